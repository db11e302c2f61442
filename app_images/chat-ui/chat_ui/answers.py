"""The answers being written right now, each by a task of its own that outlives the browser's connection.

Whoever looks on follows an `Answer`; when the browser goes away the task goes on, and the answer is in the database
when the person comes back. While it is written, its text is put there every two seconds: the page of another replica
shows it growing, a killed replica loses little, and a wish to stop reaches the writer wherever it runs.
"""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from .errors import Refusal
from .model import Model, ModelError, Prompt, PromptRefused
from .store import ChatKey, State, Store, StoreError

AT_ONCE = 64  # answers that ask the model at the same time; the others wait their turn
AT_MOST = 400  # answers in all, waiting ones included: beyond that, new ones are refused
CHECKPOINT = 2.0  # seconds
Phase = Literal["thinking", "busy", "away", "writing"]
log = logging.getLogger(__name__)


class TooManyAnswers(Refusal):
    """This replica writes as many answers as it may."""

    def __init__(self) -> None:
        super().__init__(429, "Very many people are asking right now. Please send your message again in a moment.")


@dataclass(eq=False)
class Answer:
    """One answer, growing. It has ended when `state` is no longer `writing`; `problem` then says what went wrong."""

    chat: ChatKey
    id: UUID
    text: str = ""
    phase: Phase = "thinking"
    state: State = "writing"
    problem: str = ""
    stopped: bool = False
    writer: asyncio.Task[None] | None = None
    _watchers: set[asyncio.Event] = field(default_factory=set)

    def show(self, phase: Phase) -> None:
        """Say what is going on."""
        self.phase = phase
        self._tell()

    def add(self, piece: str) -> None:
        """More text."""
        self.text += piece
        self.show("writing")

    def stop(self) -> None:
        """Write no more; what is there is kept."""
        self.stopped = True
        self.cut()

    def cut(self) -> None:
        """Write no more, for a reason that is not the person's wish."""
        if self.writer:
            self.writer.cancel()

    def end(self, state: State) -> None:
        """No more text."""
        self.state = state
        self._tell()

    async def ended(self) -> None:
        """Wait until the answer has ended, or return at once when nobody here writes it."""
        while self.writer and self.state == "writing":
            await self.changed(60.0)

    async def changed(self, seconds: float) -> bool:
        """Wait for the next change, at most so long; returns whether there was one."""
        with self._watching() as news:
            try:
                async with asyncio.timeout(seconds):
                    return await news.wait()
            except TimeoutError:
                return False

    @contextmanager
    def _watching(self) -> Iterator[asyncio.Event]:
        news = asyncio.Event()
        self._watchers.add(news)
        try:
            yield news
        finally:
            self._watchers.discard(news)

    def _tell(self) -> None:
        for news in self._watchers:
            news.set()


class Answers:
    """Starts answers, finds them, stops them, and waits for them when the process ends."""

    def __init__(self, store: Store, model: Model) -> None:
        self._store = store
        self._model = model
        self._places = asyncio.Semaphore(AT_ONCE)
        self._running: dict[tuple[ChatKey, UUID], Answer] = {}
        self._keepers: set[asyncio.Task[None]] = set()

    def start(self, chat: ChatKey, answer_id: UUID, prompt: Prompt) -> Answer:
        """Begin an answer, or join the one that this id has already; raises TooManyAnswers."""
        key = (chat, answer_id)
        if running := self._running.get(key):
            return running
        if len(self._running) >= AT_MOST:
            raise TooManyAnswers
        answer = self._running[key] = Answer(chat, answer_id)
        answer.writer = asyncio.create_task(self._ask(answer, prompt))
        keeper = asyncio.create_task(self._run(answer, answer.writer))
        self._keepers.add(keeper)
        keeper.add_done_callback(self._keepers.discard)
        return answer

    def find(self, chat: ChatKey, answer_id: UUID) -> Answer | None:
        """The answer, when this replica is the one that writes it."""
        return self._running.get((chat, answer_id))

    async def stop(self, chat: ChatKey, answer_id: UUID) -> None:
        """Stop an answer, also one that another replica writes; raises StoreError."""
        if answer := self.find(chat, answer_id):
            answer.stop()
        else:
            await self._store.stop_answer(chat, answer_id)

    async def close(self, seconds: float) -> None:
        """Let the running answers end by themselves for so long; then keep what there is of them."""
        if self._keepers:
            await asyncio.wait(self._keepers, timeout=seconds)
        for answer in self._running.values():
            answer.cut()
        await asyncio.gather(*self._keepers)

    async def _run(self, answer: Answer, writer: asyncio.Task[None]) -> None:
        """Wait for the answer, keep it, and only then say that it has ended. Never cancelled, so nothing is lost."""
        checkpoints = asyncio.create_task(self._keep_checkpoints(answer))
        await asyncio.wait([writer])
        checkpoints.cancel()
        await asyncio.wait([checkpoints])
        state = await self._keep(answer, _ending(answer, writer))
        del self._running[answer.chat, answer.id]
        answer.end(state)

    async def _ask(self, answer: Answer, prompt: Prompt) -> None:
        async with self._places:
            try:
                await self._write(answer, prompt)
            except PromptRefused:
                if len(prompt) == 1:
                    raise
                # the estimate of the history's length was too low for this model
                await self._write(answer, prompt[-1:])

    async def _write(self, answer: Answer, prompt: Prompt) -> None:
        async for piece in self._model.answer(prompt, answer.show):
            answer.add(piece)

    async def _keep(self, answer: Answer, state: State) -> State:
        try:
            return await self._store.write_answer(answer.chat, answer.id, answer.text, state)
        except StoreError as error:
            log.warning("an answer could not be stored: %s", error.sentence)
            answer.problem = "This answer could not be stored: it will be gone when you reload the page."
            return "incomplete"

    async def _keep_checkpoints(self, answer: Answer) -> None:
        """Store the text every now and then; stop the answer when the store says that it shall end."""
        while not answer.stopped:
            await asyncio.sleep(CHECKPOINT)
            try:
                state = await self._store.write_answer(answer.chat, answer.id, answer.text, "writing", CHECKPOINT)
            except StoreError as error:
                log.warning("an answer could not be stored yet: %s", error.sentence)
                over = error.status < 500  # the chat was deleted, or another replica has ended this answer
            else:
                over = state != "writing"
            if over:
                answer.stop()


def _ending(answer: Answer, writer: asyncio.Task[None]) -> State:
    """How the answer ended, now that its writer is done; a problem is put into words."""
    if writer.cancelled():
        return "stopped" if answer.stopped else "incomplete"
    error = writer.exception()
    if error is None:
        return "complete"
    if isinstance(error, ModelError):
        answer.problem = error.sentence
    else:
        log.error("writing an answer failed", exc_info=error)
        answer.problem = "Something went wrong here. Please try again."
    return "incomplete"
