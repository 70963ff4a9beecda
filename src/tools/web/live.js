// The browser's half of live pages. The page was rendered once and can be read as it is; this
// opens a WebSocket over which its parts come when they change, and sends forms with
// data-live as events instead of loading the page anew. When the connection is lost it tries
// again for ever, first soon and then less often, and shows the truth when it is back.
(function () {
  "use strict";

  var main = document.getElementById("main");
  var lost = document.getElementById("connection");
  var socket = null;
  var attempts = 0;
  var beat = 0;
  var answered = true;
  var waiting = []; // events that no connection has taken yet

  // --- changing the page ---

  // What somebody is typing stays as it is.
  function keepTyping(from, to) {
    if (from.isEqualNode(to)) {
      return false;
    }
    if (from === document.activeElement && /^(INPUT|TEXTAREA|SELECT)$/.test(from.tagName)) {
      return false;
    }
    if (from.tagName === "DETAILS") {
      to.open = from.open;
    }
    if (from.tagName === "DIALOG" && from.open) {
      to.setAttribute("open", "");
    }
    return true;
  }

  // Not node.id: in a form that is a field of this name, if it has one.
  function keyOf(node) {
    return (node.getAttribute && node.getAttribute("id")) || undefined;
  }

  function patch(element, markup) {
    if (window.morphdom) {
      window.morphdom(element, markup, { getNodeKey: keyOf, onBeforeElUpdated: keepTyping });
    } else {
      element.outerHTML = markup; // the build could not get morphdom
    }
  }

  function toBottom(before) {
    document.querySelectorAll("[data-stick]").forEach(function (element) {
      if (!before || before.has(element.id)) {
        element.scrollTop = element.scrollHeight;
      }
    });
  }

  // Which lists are read at their end, and shall stay there.
  function atBottom() {
    var ids = new Set();
    document.querySelectorAll("[data-stick]").forEach(function (element) {
      if (element.scrollHeight - element.scrollTop - element.clientHeight < 40) {
        ids.add(element.id);
      }
    });
    return ids;
  }

  function show(message) {
    var bottom = atBottom();
    if (message.all) {
      patch(document.getElementById("page"), message.all);
    }
    Object.keys(message.parts || {}).forEach(function (id) {
      var element = document.getElementById(id);
      if (element) {
        patch(element, message.parts[id]);
      }
    });
    toBottom(bottom);
    if (message.patch !== undefined) {
      history.replaceState(null, "", location.pathname + (message.patch ? "?" + message.patch : ""));
    }
    if (message.redirect) {
      location.assign(message.redirect);
    }
  }

  // --- the connection ---

  function connect() {
    var scheme = location.protocol === "https:" ? "wss://" : "ws://";
    var address = scheme + location.host + "/keel/live?path=" + encodeURIComponent(main.dataset.livePath) +
      "&csrf=" + main.dataset.csrf + "&query=" + encodeURIComponent(location.search.slice(1));
    var opened = false;
    socket = new WebSocket(address, "keel-live");
    socket.onmessage = function (event) {
      if (!opened) {
        opened = true;
        attempts = 0;
        lost.hidden = true;
        document.documentElement.dataset.live = "on";
        waiting.splice(0).forEach(function (said) { socket.send(said); });
      }
      answered = true;
      show(JSON.parse(event.data));
    };
    socket.onclose = function () {
      socket = null;
      delete document.documentElement.dataset.live;
      attempts += 1;
      lost.hidden = attempts < 2;
      // A server that was started anew may not know our token any more: a fresh page has one.
      if (!opened && attempts % 4 === 0) {
        refresh();
      }
      var most = Math.min(10000, 150 * Math.pow(2, attempts));
      setTimeout(connect, most / 2 + Math.random() * most / 2);
    };
  }

  function refresh() {
    fetch(location.href, { credentials: "same-origin" }).then(function (response) {
      if (response.ok) {
        location.reload();
      }
    }).catch(function () { });
  }

  // A connection that is gone without a word is noticed by its silence.
  function checkAlive() {
    if (socket && socket.readyState === WebSocket.OPEN) {
      if (!answered && beat > 0) {
        socket.close();
      } else {
        answered = false;
        beat += 1;
        socket.send(JSON.stringify({ beat: beat }));
      }
    }
  }

  function say(what) {
    var text = JSON.stringify(what);
    if (socket && socket.readyState === WebSocket.OPEN) {
      socket.send(text);
    } else {
      waiting.push(text);
    }
  }

  // --- what the one who looks does ---

  function valuesOf(form, submitter) {
    var values = {};
    new FormData(form).forEach(function (value, name) {
      if (typeof value === "string" && name !== "_csrf" && name !== "event") {
        values[name] = value;
      }
    });
    if (submitter && submitter.name) {
      values[submitter.name] = submitter.value;
    }
    return values;
  }

  function eventOf(form) {
    var field = form.querySelector("input[name=event]");
    return field ? field.value : "";
  }

  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (!form.matches("form[data-live]")) {
      return;
    }
    event.preventDefault();
    say({ event: eventOf(form), values: valuesOf(form, event.submitter) });
    form.querySelectorAll("[data-clear]").forEach(function (field) { field.value = ""; });
  });

  document.addEventListener("change", function (event) {
    var form = event.target.form;
    if (form && form.matches("form[data-live-change]")) {
      say({ event: eventOf(form), values: valuesOf(form) });
    }
  });

  document.addEventListener("click", function (event) {
    var link = event.target.closest("a[data-live-patch]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) {
      return;
    }
    event.preventDefault();
    history.pushState(null, "", link.href);
    say({ query: location.search.slice(1) });
  });

  window.addEventListener("popstate", function () {
    say({ query: location.search.slice(1) });
  });

  if (main && main.dataset.livePath && window.WebSocket) {
    connect();
    setInterval(checkAlive, 20000);
    toBottom(null);
  }
})();
