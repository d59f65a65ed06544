"""`gate init`: the files that make gate at home on a platform, held against what is there, and written."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches, unified_diff
from pathlib import Path

from gate.model.errors import UsageError
from gate.platforms.known import all_presets
from gate.platforms.preset import File, Merged, Preset, Wish


@dataclass(frozen=True, kw_only=True)
class InitRequest:
    """What stands on the command line; None where it does not. `settings` are the preset's own, as NAME=VALUE."""

    preset: str
    settings: Sequence[str] = ()
    budget_s: float | None = None
    name: str | None = None
    image: str | None = None
    namespace: str | None = None
    source: str | None = None
    fleet: int | None = None
    directory: str | None = None


@dataclass(frozen=True, kw_only=True)
class Planned:
    """One file: what is there (None where nothing is), what would be, and what of theirs would go, in words."""

    path: Path
    before: str | None
    text: str
    loses: str = ""
    then: str = ""

    @property
    def is_same(self) -> bool:
        return self.before == self.text

    @property
    def done(self) -> str:
        """What has become of it once it was written."""
        if self.is_same:
            return f"unchanged  {self.path}"
        if self.before is None:
            return f"written    {self.path}"
        return f"{'replaced' if self.loses else 'added to'}   {self.path}" + (f": {self.loses}" if self.loses else "")

    def diff(self) -> str:
        """As `git apply` takes it; empty where nothing would change."""
        before = (self.before or "").splitlines(keepends=True)
        shown = self.path.as_posix().lstrip("/")
        source = "/dev/null" if self.before is None else f"a/{shown}"
        lines = unified_diff(before, self.text.splitlines(keepends=True), source, f"b/{shown}")
        return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def offered() -> tuple[Preset, ...]:
    """The presets that write something, by their key."""
    return tuple(sorted((preset for preset in all_presets() if preset.files), key=lambda preset: preset.key))


def files_of(request: InitRequest) -> tuple[File, ...]:
    """What the preset writes. Raises UsageError for a preset or a setting that there is not, and for its values."""
    preset = _preset(request.preset)
    assert preset.files is not None
    _check_taken(preset, request)
    return preset.files(
        Wish(
            budget_s=preset.budget_s if request.budget_s is None else _budget_s(request.budget_s),
            name=request.name or "app",
            image=request.image,
            namespace=request.namespace,
            source=request.source,
            fleet=request.fleet,
            directory=_shown(_directory(preset, request)),
            options=dict(_pairs(preset, request.settings)),
        ),
    )


def planned(request: InitRequest) -> tuple[Planned, ...]:
    """The files beside what is there now. Changes nothing; raises UsageError for what cannot be read."""
    preset = _preset(request.preset)
    directory = _directory(preset, request)
    return tuple(_planned(directory / file.path, file) for file in files_of(request))


def write(files: Sequence[Planned], *, is_forced: bool) -> None:
    """All of them or, where one would lose what somebody has written and nobody said --force, none."""
    lost = [f"{file.path}: {file.loses}" for file in files if file.loses]
    if lost and not is_forced:
        raise UsageError(
            "nothing was written, for this would be lost:\n" + "\n".join(f"      {line}" for line in lost),
            remedy="--dry-run shows the difference, --force makes it",
        )
    for file in files:
        if not file.is_same:
            _write(file)


def _preset(key: str) -> Preset:
    found = next((preset for preset in offered() if preset.key == key), None)
    if found is None:
        keys = [preset.key for preset in offered()]
        near = get_close_matches(key, keys, 1)
        raise UsageError(
            f"there is no preset {key!r}" + (f": did you mean {near[0]}?" if near else ""),
            remedy=f"one of {', '.join(keys)}",
        )
    return found


def _check_taken(preset: Preset, request: InitRequest) -> None:
    told = {
        "budget": request.budget_s,
        "image": request.image,
        "namespace": request.namespace,
        "fleet": request.fleet,
    }
    for option, value in told.items():
        if value is not None and option not in preset.takes:
            those = ", ".join(other.key for other in offered() if option in other.takes)
            raise UsageError(
                f"gate init {preset.key} has no use for --{option}: its files would be the same without it",
                remedy=f"leave it out; it is for {those}",
            )


def _directory(preset: Preset, request: InitRequest) -> Path:
    return Path(preset.directory if request.directory is None else request.directory)


def _shown(directory: Path) -> str:
    """In front of a file's name, so that the next steps can be pasted."""
    return "" if directory == Path() else f"{shlex.quote(str(directory))}/"


def _budget_s(budget_s: float) -> float:
    if budget_s < 1:
        raise UsageError("--budget must be a second at least", remedy="such as --budget 15min")
    return budget_s


def _pairs(preset: Preset, settings: Sequence[str]) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for written in settings:
        name, is_pair, value = written.partition("=")
        if name not in preset.options or not is_pair:
            near = get_close_matches(name, preset.options, 1)
            hint = f": did you mean {near[0]}=?" if near else ""
            raise UsageError(
                f"gate init {preset.key} takes no {written!r}{hint}",
                remedy=_settings(preset),
            )
        if name in seen:
            raise UsageError(f"{name}= is given twice", remedy="once is enough")
        seen.add(name)
        yield name, value


def _settings(preset: Preset) -> str:
    if not preset.options:
        return "it has no settings"
    return f"it takes {', '.join(f'{name}=' for name in preset.options)}; gate init says what they mean"


def _planned(path: Path, file: File) -> Planned:
    before = _read(path)
    if before is None or before == file.text:
        return Planned(path=path, before=before, text=file.text, then=file.then)
    merged = file.into(before) if file.into else Merged(text=file.text, loses="it is there already, and differs")
    loses = merged.loses if merged.text != before else ""
    return Planned(path=path, before=before, text=merged.text, loses=loses, then=file.then)


def _read(path: Path) -> str | None:
    """With the line ends that it has."""
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            return stream.read()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise _unusable(path, error) from error


def _write(file: Planned) -> None:
    try:
        file.path.parent.mkdir(parents=True, exist_ok=True)
        with file.path.open("w", encoding="utf-8", newline="") as stream:
            stream.write(file.text)
    except OSError as error:
        raise _unusable(file.path, error) from error


def _unusable(path: Path, error: OSError | UnicodeDecodeError) -> UsageError:
    why = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror or str(error)
    return UsageError(f"cannot use {path}: {why}", remedy="check the path, or give another directory with -o")
