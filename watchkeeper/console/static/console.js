/* Keeps an open page up to date: when the server says that something changed, the page is fetched again and
   what differs is put in its place. Nodes that stay the same are left alone, and with them focus, selection,
   scrolling and what is unfolded. A section that somebody types in waits. No text is made from data here:
   all of it comes from the server's own pages. */

"use strict";

(() => {
  const { page, url, version } = document.body.dataset;
  const part = (id) => document.getElementById(id);
  const EVENTS = "/v1/events";
  const HELLO_MS = 10000, FETCH_MS = 15000, LEAST_MS = 1000, AGES_MS = 30000, HOLD_MS = 1200, LONGEST_RETRY_S = 30;
  const STATES = {
    connecting: "Connecting…", live: "Live", lost: "Reconnecting…", off: "Not live:", paused: "Paused",
  };
  const GIVEN_UP = 3;
  let source = null, silence = 0, retry = 0, fails = 0;
  let paused = false, ended = false, answered = true;
  let fetching = false, wanted = false, timer = 0, fetchedAt = 0, goodAt = new Date();
  let said = document.body.dataset.said;

  function show(name) {
    part("live").dataset.state = name;
    part("live-state").textContent = STATES[name];
    part("live-reload").hidden = name !== "off";
  }

  function announce(text) {
    if (part("live-said").textContent !== text) part("live-said").textContent = text;
  }

  function lost(isLost) {
    const banner = part("live-lost");
    if (banner.hidden === !isLost) return;
    const known = goodAt.toISOString().slice(11, 19);
    banner.textContent = isLost
      ? `The server does not answer. This page shows what was known at ${known} UTC. It tries again by itself.`
      : "";
    banner.hidden = !isLost;
    if (!isLost) announce("The server answers again.");
  }

  const quiet = () => paused || ended || document.hidden;

  function judge() {
    if (quiet()) return;
    lost(!answered);
    if (!source) show(answered && fails >= GIVEN_UP ? "off" : "lost");
  }

  function connect() {
    stop();
    if (quiet()) return;
    source = new EventSource(EVENTS);
    silence = setTimeout(dropped, HELLO_MS);
    source.onerror = dropped;
    source.addEventListener("hello", hello);
    source.addEventListener("reset", want);
    source.addEventListener("incident", (event) => {
      const { id, merged_from: merged = [] } = JSON.parse(event.data);
      if (page === "list" || id === page || merged.includes(page)) want();
    });
  }

  function hello(event) {
    clearTimeout(silence);
    fails = 0;
    const same = JSON.parse(event.data).version === version;
    if (!same) return leave(url, "Another version of Watchkeeper runs now.");
    show("live");
    want();
  }

  /* The page must be loaded anew: at once, or when the person who is typing wants it. */
  function leave(to, why) {
    if (!typing(document.body)) return location.replace(to);
    stop();
    ended = true;
    part("live-reload").href = to;
    part("live-pause").hidden = true;
    show("off");
    announce(`${why} Reload when you are ready.`);
  }

  function stop() {
    clearTimeout(silence);
    clearTimeout(retry);
    if (source) source.close();
    source = null;
  }

  function dropped() {
    stop();
    fails += 1;
    const seconds = Math.min(LONGEST_RETRY_S, 2 ** (fails - 1)) * (0.75 + Math.random() / 2);
    retry = setTimeout(connect, seconds * 1000);
    judge();
    want();
  }

  function want() {
    wanted = true;
    if (fetching || timer) return;
    timer = setTimeout(fetchPage, Math.max(0, fetchedAt + LEAST_MS - Date.now()));
  }

  async function fetchPage() {
    timer = 0;
    if (quiet()) return;
    fetching = true;
    wanted = false;
    fetchedAt = Date.now();
    const html = await pageText();
    fetching = false;
    if (quiet()) return;
    const fresh = new DOMParser().parseFromString(html, "text/html");
    answered = Boolean(fresh.body.dataset.page);
    if (answered) apply(fresh);
    else if (source) return dropped();
    judge();
    if (wanted) want();
  }

  async function pageText() {
    try {
      const answer = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(FETCH_MS) });
      return answer.ok ? await answer.text() : "";
    } catch {
      return "";
    }
  }

  function apply(fresh) {
    const theirs = fresh.body.dataset;
    goodAt = new Date();
    if (theirs.page !== page) return leave(theirs.url, "This incident went into another one.");
    const putBack = selected();
    const choices = buttons();
    for (const id of ["warnings", "main", "foot"]) morph(part(id), fresh.getElementById(id));
    putBack();
    if (choices !== buttons()) hold();
    document.title = fresh.title;
    if (theirs.said !== said) announce(`Updated: ${theirs.said}`);
    said = theirs.said;
  }

  /* Other buttons than a moment ago: a press that was meant for those before must not hit these. */
  const buttons = () => [...document.querySelectorAll("#buttons button")].map((one) => one.value).join();
  function hold() {
    const group = part("buttons");
    if (!group) return;
    group.inert = true;
    setTimeout(() => { group.inert = false; }, HOLD_MS);
  }

  const key = (node) => (node.nodeType === 1 ? node.id || node.dataset.live || "" : "");
  const same = (a, b) => a.nodeName === b.nodeName && key(a) === key(b);
  function typing(node) {
    if (node.querySelector("[data-keep]") || node.matches("[data-keep]")) return true;
    const fields = [...node.querySelectorAll("input:not([type=hidden]), textarea")];
    return fields.some((field) => field === document.activeElement || field.value !== field.defaultValue);
  }

  function morph(old, fresh) {
    if (old.nodeType !== 1) {
      if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
      return;
    }
    if (old.nodeName === "NOSCRIPT") return;
    if (old.dataset.live && typing(old)) return morphParts(old, fresh);
    morphAttributes(old, fresh);
    morphChildren(old, fresh);
  }

  function morphParts(old, fresh) {
    for (const own of old.querySelectorAll("[data-part]")) {
      const theirs = fresh.querySelector(`#${own.id}`);
      if (theirs) morph(own, theirs);
    }
  }

  function morphAttributes(old, fresh) {
    const kept = (name) => name === "data-new" || (name === "open" && old.nodeName === "DETAILS");
    for (const { name } of [...old.attributes]) {
      if (!fresh.hasAttribute(name) && !kept(name)) old.removeAttribute(name);
    }
    for (const { name, value } of fresh.attributes) {
      if (old.getAttribute(name) !== value && !kept(name)) old.setAttribute(name, value);
    }
  }

  function morphChildren(old, fresh) {
    const coming = new Set([...fresh.childNodes].map(key));
    const leaves = (node) => !(node.nodeType === 1 && node.dataset.live && typing(node));
    for (const node of [...old.childNodes]) {
      if (key(node) && !coming.has(key(node)) && leaves(node)) node.remove();
    }
    let at = old.firstChild;
    for (const theirs of [...fresh.childNodes]) {
      while (at && key(at) && !coming.has(key(at))) at = at.nextSibling;
      const own = at && same(at, theirs) ? at : later(at, theirs);
      if (!own) {
        old.insertBefore(arrived(theirs), at);
        continue;
      }
      if (own === at) at = at.nextSibling;
      else old.insertBefore(own, at);
      morph(own, theirs);
    }
    while (at) {
      const next = at.nextSibling;
      if (leaves(at)) at.remove();
      at = next;
    }
  }

  function later(at, theirs) {
    if (!key(theirs)) return null;
    for (let node = at; node; node = node.nextSibling) if (same(node, theirs)) return node;
    return null;
  }

  function arrived(theirs) {
    const node = document.importNode(theirs, true);
    if (key(node) && (node.nodeName === "LI" || node.nodeName === "TR")) node.setAttribute("data-new", "");
    return node;
  }

  /* Text that changes under a selection would end it. Returns what puts focus and selection back. */
  function selected() {
    const focused = document.activeElement;
    const { anchorNode, anchorOffset, focusNode, focusOffset, isCollapsed } = getSelection();
    const length = (node) => (node.nodeType === 3 ? node.nodeValue.length : node.childNodes.length);
    return () => {
      if (focused !== document.activeElement && focused.isConnected) focused.focus({ preventScroll: true });
      if (isCollapsed || !anchorNode.isConnected || !focusNode.isConnected) return;
      const [from, to] = [Math.min(anchorOffset, length(anchorNode)), Math.min(focusOffset, length(focusNode))];
      getSelection().setBaseAndExtent(anchorNode, from, focusNode, to);
    };
  }

  function pause() {
    paused = !paused;
    part("live-pause").textContent = paused ? "Go on updating" : "Pause updates";
    announce(paused ? "Paused: this page does not change." : "Updates go on.");
    if (paused) {
      stop();
      lost(false);
    }
    show(paused ? "paused" : "connecting");
    connect();
  }

  /* Evidence leads to findings that may be folded. */
  function unfold() {
    const target = location.hash && part(decodeURIComponent(location.hash.slice(1)));
    const folded = target && target.closest("details");
    if (folded) folded.open = true;
    if (target) target.scrollIntoView({ block: "center" });
  }

  part("live").hidden = false;
  window.addEventListener("hashchange", unfold);
  unfold();
  part("live-pause").addEventListener("click", pause);
  document.addEventListener("visibilitychange", () => (document.hidden ? stop() : connect()));
  document.addEventListener("focusout", (event) => event.target.matches("input, textarea") && want());
  window.addEventListener("online", connect);
  setInterval(want, AGES_MS);
  connect();
})();
