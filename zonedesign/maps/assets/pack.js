/* The pack's page: the search by postcode. Texts become text nodes, never markup. */
(function () {
  "use strict";
  var form = document.getElementById("find");
  if (!form) { return; }
  var data = JSON.parse(document.getElementById("data").textContent);
  var answer = document.getElementById("answer");

  function link(k) {
    var made = document.createElement("a"), lot = data.lots[k];
    made.href = "#" + lot[2];
    made.textContent = lot[1] ? lot[0] + " " + lot[1] : lot[0];
    return made;
  }

  function say(parts) {
    answer.textContent = "";
    parts.forEach(function (part) {
      answer.appendChild(typeof part === "string" ? document.createTextNode(part) : part);
    });
  }

  form.addEventListener("submit", function (event) {
    event.preventDefault();
    var text = form.elements.postcode.value.toUpperCase().replace(/[^A-Z0-9]/g, "");
    if (text.length < 5) { say(["Give a whole postcode, such as PO9 1AA."]); return; }
    var outward = text.slice(0, -3), found = (data.postcodes[outward] || {})[text.slice(-3)];
    var shown = outward + " " + text.slice(-3);
    if (!found) { say([shown + " is not in the look-up: it is outside the area, or newer than the list."]); return; }
    if (found.length === 1) { say([shown + " is in lot ", link(found[0]), "."]); return; }
    say([shown + " is in lot ", link(found[0]), ", at the boundary with ", link(found[1]),
         ": some of its addresses may be there. The unit codes decide."]);
  });
})();
