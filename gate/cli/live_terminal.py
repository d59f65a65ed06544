"""The same lines at a terminal, in colour, and a bar below them while something takes long."""

from __future__ import annotations

from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.text import Text

from gate.cli.secrets import masked
from gate.report.prose.words import shortened
from gate.report.run.prose.events import figures, lines
from gate.run.telling import Event, Progressed, UnitBegan, UnitEnded

_BAR_WIDTH = 24


class LiveLines:
    """Nothing is drawn by a clock: each event draws."""

    def __init__(self, stream: TextIO, width: int | None = None) -> None:
        self._console = Console(file=stream, width=width, highlight=False, markup=False, emoji=False, soft_wrap=True)
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._before: Event | None = None

    def __call__(self, event: Event) -> None:
        """A line, or the bar moves."""
        if isinstance(event, Progressed):
            self._move(event)
            return
        if isinstance(event, UnitBegan | UnitEnded):
            self.close()
        for line in lines(event, self._before):
            self._console.print(Text(f"gate: {masked(line.text)}", style=line.colour))
        self._before = event
        if self._bar is not None:
            self._bar.refresh()

    def close(self) -> None:
        """The bar goes; the lines stay."""
        if self._bar is not None:
            self._bar.stop()
        self._bar = None

    def _move(self, event: Progressed) -> None:
        """Where the share is not known the bar stays empty: one that runs to and fro would need a clock."""
        known = figures(event)
        said = masked(f"{known}: {event.what}" if known else event.what)
        said = shortened(said, self._console.width - _BAR_WIDTH - 2)
        if self._bar is None or self._task is None:
            self._bar = Progress(
                BarColumn(bar_width=_BAR_WIDTH),
                TextColumn("{task.description}", markup=False),
                console=self._console,
                auto_refresh=False,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._task = self._bar.add_task(said, total=1.0)
            self._bar.start()
        self._bar.update(self._task, description=said, completed=event.done or 0.0)
        self._bar.refresh()
