// Makes the page live: sends forms without leaving it, shows the answer while it arrives, and picks up again after a
// broken connection. Without this script every form still works by itself.
"use strict";

const composer = document.getElementById("composer");
const field = composer.elements.message;
const problem = document.getElementById("problem");
const POLL = 1500; // milliseconds
let writing = null; // the answer that is on its way: {id, url, stopped}

const conversation = () => document.getElementById("conversation");
const atEnd = () => innerHeight + scrollY > document.documentElement.scrollHeight - 160;
const toEnd = () => scrollTo(0, document.documentElement.scrollHeight);

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.dataset.stream) return;
  event.preventDefault();
  if (writing) return;
  const data = new URLSearchParams(new FormData(form, event.submitter));
  if (form.dataset.stream === "ask" && !data.get("message").trim()) return;
  send(form, data);
});

field.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  composer.requestSubmit();
});

field.addEventListener("input", () => {
  problem.textContent = "";
  fit();
});

composer.querySelector(".stop").addEventListener("click", () => {
  if (!writing?.id || writing.stopped) return;
  writing.stopped = true;
  const body = new URLSearchParams({ answer: writing.id });
  fetch(`${writing.url}/stop`, { method: "POST", body, headers: { Accept: "text/event-stream" } }).catch(() => {
    if (writing) writing.stopped = false;
  });
});

async function send(form, data) {
  const draft = form === composer ? field.value : "";
  const turn = form.dataset.stream === "ask" ? addTurn(data.get("message")) : clearAnswer(form.closest(".turn"));
  begin();
  if (form === composer) field.value = "";
  fit();
  toEnd();
  try {
    const response = await post(form.action, data, turn.querySelector(".notice"));
    if (!response.ok) throw new Refused((await response.json()).error);
    const ended = await show(turn, response.body);
    await (ended ? refresh(turn) : catchUp());
  } catch (error) {
    await recover(error, turn, draft);
  }
  end();
}

// Sent again while nobody answers: the message carries its id, so it is never stored twice.
async function post(url, body, notice) {
  for (let left = 20; ; left--) {
    try {
      const response = await fetch(url, { method: "POST", body, headers: { Accept: "text/event-stream" } });
      const spoke = /json|event-stream/.test(response.headers.get("Content-Type"));
      if (spoke || !left) return response;
    } catch (error) {
      if (!left) throw error;
    }
    notice.textContent = "This page's server is restarting. Sending again…";
    await pause(POLL);
  }
}

class Refused extends Error {}

async function recover(error, turn, draft) {
  if (writing.url) return catchUp(); // the question is stored: only the connection broke
  turn.remove();
  if (!conversation().querySelector(".turn")) await refresh().catch(() => {});
  field.value = draft || field.value;
  fit();
  problem.textContent = error instanceof Refused ? error.message : "The message could not be sent. Please try again.";
}

async function show(turn, stream) {
  const prose = turn.querySelector(".prose");
  const notice = turn.querySelector(".notice");
  let ended = false;
  const react = {
    question(data) {
      writing = { id: data.answer_id, url: `/chats/${data.chat_id}`, stopped: false };
      if (location.pathname !== writing.url) {
        history.replaceState(null, "", writing.url);
        fetchPage().then(showChats, () => {});
      }
      document.title = `${data.title} · Chat`;
      document.querySelector("#bar h1").textContent = data.title;
    },
    state: (data) => { notice.textContent = data.text; },
    token: (data) => { prose.append(data.text); },
    done(data) {
      ended = true;
      turn.dataset.status = data.state;
      notice.textContent = data.text;
    },
  };
  for await (const { name, data } of events(stream)) {
    const follow = atEnd();
    react[name]?.(data);
    if (follow) toEnd();
  }
  return ended;
}

async function* events(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const lines = block.split("\n");
      const of = (key) => lines.find((line) => line.startsWith(`${key}: `))?.slice(key.length + 2);
      if (of("event")) yield { name: of("event"), data: JSON.parse(of("data")) };
    }
  }
}

// The server's own rendering replaces what was built here, so the page always shows what is stored.
async function refresh(turn) {
  const notice = turn?.querySelector(".notice").textContent;
  const fresh = await fetchPage();
  const follow = atEnd();
  for (const id of ["bar", "conversation"]) document.getElementById(id).replaceWith(fresh.getElementById(id));
  showChats(fresh);
  const form = fresh.getElementById("composer");
  composer.action = form.action;
  composer.elements.message_id.value = form.elements.message_id.value;
  const last = conversation().querySelector(".turn:last-child .notice");
  if (notice && last) last.textContent = notice;
  if (follow) toEnd();
}

async function fetchPage() {
  const response = await fetch(location.pathname, { headers: { Accept: "text/html" } });
  if (!response.ok) throw new Error(response.status);
  return new DOMParser().parseFromString(await response.text(), "text/html");
}

function showChats(fresh) {
  document.getElementById("chats").replaceChildren(...fresh.getElementById("chats").childNodes);
}

async function catchUp() {
  for (;;) {
    try {
      await refresh();
      problem.textContent = "";
      if (!("pending" in conversation().dataset)) return;
      const turn = conversation().querySelector(".turn:last-child");
      writing = { ...writing, id: turn.dataset.answer, url: location.pathname };
    } catch {
      problem.textContent = "The connection is lost. Trying to reach the page again…";
    }
    await pause(POLL);
  }
}

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function addTurn(text) {
  conversation().querySelector(".welcome")?.remove();
  const turn = document.getElementById("new-turn").content.firstElementChild.cloneNode(true);
  turn.querySelector(".question").textContent = text.trim();
  conversation().append(turn);
  return turn;
}

function clearAnswer(turn) {
  const blank = document.getElementById("new-turn").content.querySelector(".answer").cloneNode(true);
  turn.dataset.status = "writing";
  turn.querySelector(".answer").replaceWith(blank);
  return turn;
}

function begin() {
  writing = { stopped: false };
  problem.textContent = "";
  document.body.classList.add("busy");
}

function end() {
  writing = null;
  document.body.classList.remove("busy");
  if (matchMedia("(hover: hover)").matches) field.focus();
}

function fit() {
  if (CSS.supports("field-sizing", "content")) return;
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight}px`;
}

if ("pending" in conversation().dataset) {
  begin();
  catchUp().then(end);
}
if (conversation().querySelector(".turn")) toEnd();
fit();
