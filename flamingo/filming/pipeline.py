"""A film made from beginning to end: look at the photos, compose, paint, render, put everything into its place."""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from flamingo import files, images, provenance
from flamingo.composing.personas import cast
from flamingo.errors import BadInput, BadRequest, FlamingoError, OutputError, show
from flamingo.files import check_target
from flamingo.filming import album, planning, rendering, score, sheets, titles
from flamingo.filming.album import Given
from flamingo.filming.beats import sound_of
from flamingo.filming.cache import Work
from flamingo.filming.options import KINDS, FilmOptions
from flamingo.filming.photos import Opened, Photo, look, opened
from flamingo.filming.prefetch import ahead
from flamingo.filming.progress import Stages
from flamingo.filming.reel import Pictures, Reel
from flamingo.filming.rendering import Painting
from flamingo.filming.score import RATE, Score
from flamingo.filming.storyboard import LEAST, LONGEST, MOST, SUFFIX, Brought, Music, Shot, Storyboard, among, load
from flamingo.mood.model import MoodModel
from flamingo.mood.valence_arousal import place
from flamingo.video import FILMS

if TYPE_CHECKING:
    from flamingo.distributed.films import FilmPool

__all__ = ["FilmOutcome", "FilmPipeline"]

_log = logging.getLogger(__name__)

# Seconds that the stages take on a laptop, to begin with: a photo, a second of music, a million pixels.
_LOOK, _COMPOSE, _RENDER = 0.4, 0.3, 0.03
_PAINT = {"fine": 2.0, "fast": 0.5}


@dataclass(frozen=True)
class FilmOutcome:
    """What came of it. beside: poster, contact sheet and storyboard; beats, bars: when those of the music begin, in
    seconds."""

    board: Storyboard
    files: tuple[Path, ...]
    beside: tuple[Path, ...]
    error: FlamingoError | None
    notes: tuple[str, ...]
    recipe: dict[str, Any]
    stages: dict[str, float]
    beats: tuple[float, ...] = ()
    bars: tuple[float, ...] = ()


@dataclass
class FilmPipeline:
    """One film, or the same film as several kinds of file."""

    options: FilmOptions
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.targets = self.options.targets
        if len(set(self.targets)) < len(self.targets):
            raise BadRequest(show(self.targets[0]), "it is named more than once", "name each file once")
        for target in self.targets:
            if target.suffix.lower() not in KINDS:
                raise BadRequest(show(target), "a film cannot be written as that", f"use {', '.join(KINDS)}")
        self._films = [target for target in self.targets if target.suffix.lower() != SUFFIX]
        first = next(iter(self._films), self.targets[0])
        self._work = Work(first)
        self._poster, self._sheet, self._board = (
            first.with_name(f"{first.stem}{end}") for end in (".poster.jpg", ".sheet.jpg", ".storyboard.json")
        )
        guesses = {"look": 5.0, "compose": 10.0}
        if self._films:
            guesses |= {"paint": 30.0, "render": 60.0, "finish": 3.0}
        self._stages = Stages(self.options.on_progress, guesses)
        self._pool: FilmPool | None = None
        self._never: list[Path] = []

    # -- two ways in -----------------------------------------------------------------------------------------

    def from_photos(self) -> FilmOutcome:
        """A film of an album."""
        options, paths = self.options, list(self.options.photos)
        _check(options)
        given_music = [Path(options.soundtrack.file)] if options.soundtrack.file else []
        self._check_targets([*paths, *given_music, *map(Path, options.look.paintings + options.look.masks)])
        with self._work_folder():
            ours = (*self.targets, self._board, self._poster, self._sheet)
            sources, notes = album.found(paths, self._work, never=ours)
            self.notes += notes
            self._never += [source.file for source in sources]
            frame = Storyboard((Shot("-", 0, 1), Shot("-", 1, 2)), options.aspect, options.resolution).size
            feeler = MoodModel()
            shown = self._chosen(self._looked_at(sources, frame, feeler))
            painting = Painting(options.look, frame, self._work)
            styles = planning.styles_for(shown, options, feeler)
            for style in dict.fromkeys(styles):  # what cannot be painted is found out before anything is composed
                painting.brush(Shot("-", 0, 1, style, (options.strength, options.strength)))
            music, heard = self._scored(shown)
            board = planning.planned(shown, heard, music, options, styles)
            return self._finish(board, shown, heard, painting, None)

    def from_storyboard(self, file: Path, brought: Brought | None = None) -> FilmOutcome:
        """The film that a storyboard says. Its files are seen from where it lies, or are among those brought."""
        board = load(file)
        if brought is None:
            board = _rooted(board, file.parent)
            _check_music(board.music)
        self._check_targets([file, *map(Path, brought.names if brought else _beside_photos(board))])
        with self._work_folder():
            board, sources = self._shown(board, show(file), brought)
            self._never += [source.file for source in sources]
            music = board.music
            _check_music(music)
            photos_by_name = {p.name: p for p in self._looked_at(sources, board.size, MoodModel(), strict=True)}
            painting = Painting(board.manner, board.size, self._work)
            for shot in board.shots:
                painting.brush(shot)
            self._stages.begin("compose")
            heard = score.made(music, board.seconds, self._work, self._composing, LONGEST)
            self._stages.end("compose")
            self.notes += heard.notes
            if missed := planning.off_beat(board, heard):
                self.notes.append(f"{missed} of {len(board.shots) - 1} changes of photo are on no beat of the music")
            return self._finish(board, [photos_by_name[shot.photo] for shot in board.shots], heard, painting, file)

    def _shown(self, board: Storyboard, name: str, brought: Brought | None) -> tuple[Storyboard, list[Given]]:
        """The photos of a storyboard, and the storyboard as it names them. name: of it, for messages."""
        if brought is None:
            names = dict.fromkeys(shot.photo for shot in board.shots)
            return board, [replace(album.given_as(photo, Path(), self._work), name=photo) for photo in names]
        sources, notes = album.found(list(map(Path, brought.photos)), self._work) if brought.photos else ([], [])
        self.notes += notes
        sources_by_name = {source.name: source for source in sources}
        board = among(board, replace(brought, photos=tuple(sources_by_name)), name)
        return board, [sources_by_name[photo] for photo in dict.fromkeys(shot.photo for shot in board.shots)]

    # -- stages ----------------------------------------------------------------------------------------------

    def _looked_at(
        self, sources: Sequence[Given], frame: tuple[int, int], feeler: MoodModel, strict: bool = False
    ) -> list[Photo]:
        """strict: whether a photo that cannot be read ends it, as where a storyboard names it."""
        images.warm_up()
        self._stages.expect("look", _LOOK * len(sources))
        self._stages.begin("look")
        photos, failed = [], []

        def attempt(source: Given) -> Photo | Opened | BadInput:
            try:
                return opened(source.file, source.name, frame, self._work, feeler.version)
            except BadInput as error:
                return error

        with closing(ahead(attempt, sources, 1)) as read:
            for i, source in enumerate(sources):
                self._stages.step("look", i, len(sources), f"looking at {show(Path(source.name).name)}")
                photo = next(read)
                if not isinstance(photo, BadInput):
                    photos.append(look(photo, feeler, self._work))
                elif strict:
                    raise photo
                else:
                    failed.append(photo)
                    self.notes.append(f"left out: {photo}")
        self._stages.end("look")
        _log.info("looked at %d photos, of which %d cannot be read", len(sources), len(failed))
        if not photos:
            if len(failed) == 1:
                raise failed[0]
            why = f"none of the {len(failed)} can be read (the first: {failed[0].why})"
            raise BadInput("the photos", why, "name others")
        return photos

    def _chosen(self, photos: list[Photo]) -> list[Photo]:
        """In order, without what is not worth showing."""
        photos, notes = album.ordered(photos, self.options.order)
        self.notes += notes
        retained, notes = (photos, []) if self.options.keep_all else album.sifted(photos)
        self.notes += notes
        _log.info("%d of %d photos are kept for the film", len(retained), len(photos))
        if not LEAST <= len(retained) <= MOST:
            many = f"{len(retained)} photos" if len(retained) != 1 else "one photo"
            hint = f"a film is made of {LEAST} to {MOST}"
            if len(photos) > len(retained):
                hint += f"; {len(photos) - len(retained)} were left out, which --keep-all brings back"
            raise BadRequest(
                many, "too few to make a film of" if len(retained) < LEAST else "too many for a film", hint
            )
        return retained

    def _scored(self, photos: Sequence[Photo]) -> tuple[Music, Score]:
        """The score, and the wish by which it can be made again."""
        lasts = planning.seconds_for(len(photos), self.options)
        self._stages.expect("compose", _COMPOSE * lasts)
        self._stages.begin("compose")
        scored: tuple[Music, Score]
        options, music = self.options, self.options.soundtrack
        if music.file is not None:
            seconds = lasts if options.seconds is not None or options.pace is not None else None
            scored = music, score.made(music, seconds, self._work, self._composing, lasts)
        else:
            scored = self._composed(photos, lasts)
        self._stages.end("compose")
        self.notes += scored[1].notes
        return scored

    def _composed(self, photos: Sequence[Photo], lasts: float) -> tuple[Music, Score]:
        music = self.options.soundtrack
        tempo = planning.tempo_for(self.options.pace)
        tempos = [tempo, None] if tempo else [None]
        moods = [photo.mood for photo in photos]
        ways = [()] if music.mood else score.along(moods, planning.weights(photos, self.options), lasts)
        music_requests = [replace(music, tempo=bpm, path=way) for bpm in tempos for way in ways]
        music_request, heard = self._first(music_requests, lasts)
        if tempo or (quicker := planning.quicker(heard, len(photos))) is None:
            return music_request, heard
        return self._first([replace(music_request, tempo=quicker), music_request], lasts)

    def _first(self, music_requests: Sequence[Music], lasts: float) -> tuple[Music, Score]:
        """The first that can be composed; what is wrong with the last is raised."""
        for music_request in music_requests[:-1]:
            try:
                return music_request, score.made(music_request, lasts, self._work, self._composing, lasts)
            except BadRequest as error:  # so many sections, or that tempo, do not fit into the time
                _log.info("the next wish for the music is tried: %s", error)
                continue
        return music_requests[-1], score.made(music_requests[-1], lasts, self._work, self._composing, lasts)

    def _composing(self, share: float, message: str) -> None:
        self._stages.step("compose", share, 1.0, message)

    def _painted(self, board: Storyboard, photos: Sequence[Photo], painting: Painting) -> list[Pictures]:
        shots = list(zip(board.shots, photos, strict=True))
        million = board.size[0] * board.size[1] / 1e6
        missing = painting.missing(shots)
        _log.info("%d of %d pictures are to be painted, the others are there", len(missing), len(shots))
        self._stages.expect("paint", _PAINT[board.manner.model] * million * len(missing))
        self._stages.begin("paint")

        def tell(done: int, many: int) -> None:
            called = f"{missing[done].photo.called}, " if done < many else ""
            self._stages.step("paint", done, many, f"painting {called}{min(done + 1, many)} of {many}")

        rendering.painted(missing, self._work, tell, self._pool)
        self._stages.end("paint")
        return [Pictures(Path(photo.kept), painting.place(shot, photo)) for shot, photo in shots]

    def _finish(
        self, board: Storyboard, photos: Sequence[Photo], heard: Score, painting: Painting, read_from: Path | None
    ) -> FilmOutcome:
        """Everything after the storyboard."""
        if not self._films:
            return self._planned(board, heard)
        million = board.size[0] * board.size[1] / 1e6
        kinds = list(dict.fromkeys(FILMS[target.suffix.lower()] for target in self._films))
        self._stages.expect("render", _RENDER * million * board.frames * len(kinds))
        pictures = self._painted(board, photos, painting)
        texts = (board.title, *(shot.caption for shot in board.shots))
        if unknown := "".join(dict.fromkeys("".join(map(titles.missing, texts)))):
            hint = "install one that has them, such as fontpkg-noto-sans-jp"
            self.notes.append(f"no font here has the letters {unknown[:20]}: {hint}")
        self._stages.begin("render")
        pieces = {}
        for number, kind in enumerate(kinds):

            def tell(done: int, frames: int, number: int = number) -> None:
                share = number * frames + done
                self._stages.step("render", share, frames * len(kinds), f"frame {done} of {frames}")

            pieces[kind] = rendering.encoded(
                board, pictures, kind, self.options.quality, self._work, tell, self._pool
            )
        self._stages.end("render")
        self._stages.begin("finish")
        self._stages.step("finish", 0, 1, "putting it together")
        recipe = _recipe(board, photos, heard, painting, self.options.quality)
        inputs = [photo.sha256 for photo in photos]
        inputs += [heard.facts["music_sha256"]] if "music_sha256" in heard.facts else []
        origin = provenance.Origin("film", recipe, tuple(dict.fromkeys(inputs)))
        written, error = self._delivered(board, pieces, _as_long(heard, board), origin)
        beside = self._beside(Reel(board, pictures), origin, read_from) if written else ()
        if not written and error is not None:
            raise error
        self._work.drop()
        self._stages.end("finish")
        self._stages.finished()
        seconds = self._stages.seconds()
        return FilmOutcome(board, written, beside, error, tuple(self.notes), recipe, seconds, *_grid(heard))

    def _planned(self, board: Storyboard, heard: Score) -> FilmOutcome:
        """The storyboard alone."""
        for target in self.targets:
            self._put_board(board, target)
        self._work.drop()
        self._stages.finished()
        recipe = {"music": heard.facts}
        seconds = self._stages.seconds()
        return FilmOutcome(board, self.targets, (), None, tuple(self.notes), recipe, seconds, *_grid(heard))

    def _put_board(self, board: Storyboard, target: Path) -> None:
        files.put(_relative(board, target.parent).as_json().encode(), target, self.options.overwrite)

    def _delivered(
        self, board: Storyboard, pieces: dict[str, list[Path]], samples: Any, origin: provenance.Origin
    ) -> tuple[tuple[Path, ...], FlamingoError | None]:
        written, error = [], None
        for target in self.targets:
            try:
                if target in self._films:
                    self.notes += rendering.delivered(
                        board, pieces[FILMS[target.suffix.lower()]], samples, target, self._work,
                        overwrite=self.options.overwrite, origin=origin,
                    )  # fmt: skip
                else:
                    self._put_board(board, target)
                written.append(target)
            except OutputError as failed:
                _log.info("a %s file cannot be written: %s", target.suffix.lower(), failed.why)
                error = error or failed
        return tuple(written), error

    def _beside(self, reel: Reel, origin: provenance.Origin, read_from: Path | None) -> tuple[Path, ...]:
        """Poster, contact sheet and storyboard. That one of them fails costs no film."""
        sidecars = []
        for target, drawn in ((self._poster, sheets.poster), (self._sheet, sheets.contact_sheet)):
            try:
                images.write(drawn(reel), target, overwrite=self.options.overwrite, never=self._never, origin=origin)
                sidecars.append(target)
            except OutputError as error:
                self.notes.append(f"without {show(target.name)}: {error.why}")
        if not any(_same(path, self._board) for path in (*self.targets, *([read_from] if read_from else []))):
            try:
                self._put_board(reel.board, self._board)
                sidecars.append(self._board)
            except OutputError as error:
                self.notes.append(f"without {show(self._board.name)}: {error.why}")
        return tuple(sidecars)

    # -- around it -------------------------------------------------------------------------------------------

    def _check_targets(self, never: Sequence[Path]) -> None:
        self._never = [path for path in never if not path.is_dir()]
        for target in self.targets:
            check_target(target, overwrite=self.options.overwrite, never=self._never)
            if target in self._films:
                provenance.check(target, overwrite=self.options.overwrite, never=self._never)
        for target in (self._poster, self._sheet, self._board) if self._films else ():
            if not any(_same(target, path) for path in self._never):  # the storyboard that it was made from stays
                check_target(target, overwrite=self.options.overwrite)
        provenance.ready()

    @contextmanager
    def _work_folder(self) -> Iterator[None]:
        """The folder for half-done work; what was refused leaves none behind."""
        there = self._work.folder.exists()
        self._work.open()
        try:
            with self._helped():
                yield
        except (BadRequest, BadInput):
            if not there:
                self._work.drop()
            raise
        except OSError as error:
            raise files.output_error(error, show(self.targets[0])) from None

    @contextmanager
    def _helped(self) -> Iterator[None]:
        """With the cluster, if it was asked for."""
        if self.options.on == "local" or not self._films:
            yield
            return
        # By name, as a plugin is found: what distributes filming lies above it.
        with importlib.import_module("flamingo.distributed.films").FilmPool() as self._pool:
            yield


def _check(options: FilmOptions) -> None:
    """Raise BadRequest for what can be refused before any photo is looked at."""
    _check_music(options.soundtrack)
    if options.grow and options.wipe:
        raise BadRequest("--grow", "--wipe shows the way from photo to painting already", "leave one of the two out")


def _check_music(music: Music) -> None:
    if music.file is not None:
        if music.mood is not None:
            raise BadRequest("--mood", "the music is a file, which has its own", "leave one of the two out")
        sound_of(Path(music.file), 2.0)
        return
    cast(music.persona)
    if music.mood is not None:
        place(music.mood)


def _as_long(heard: Score, board: Storyboard) -> Any:
    """The sound, exactly as long as the picture."""
    many = round(board.frames / board.fps * RATE)
    samples = np.zeros((many, 2), np.float32)
    samples[: min(many, len(heard.samples))] = heard.samples[:many]
    return samples


def _recipe(
    board: Storyboard, photos: Sequence[Photo], heard: Score, painting: Painting, quality: int
) -> dict[str, Any]:
    """Everything that made it as plain values, without the name of a file."""
    shots = []
    for shot, photo in zip(board.shots, photos, strict=True):
        wielded = painting.brush(shot)
        shots.append({
            "photo_sha256": photo.sha256, "start": round(shot.start, 4), "end": round(shot.end, 4),
            "strength": list(shot.strength), "fit": shot.fit, "transition": shot.transition,
            "camera": [[round(v, 4) for v in (view.x, view.y, view.zoom)] for view in shot.camera],
            "painted": wielded.recipe if wielded else None,
        })  # fmt: skip
    return {
        "aspect": board.aspect, "resolution": board.resolution, "fps": board.fps, "seconds": round(board.seconds, 4),
        "quality": quality, "music": heard.facts, "shots": shots,
    }  # fmt: skip


def _rooted(board: Storyboard, folder: Path) -> Storyboard:
    """With the names of files, which were seen from where the storyboard lies, as they are seen from here."""
    return _renamed(board, lambda name: str(folder / name))


def _relative(board: Storyboard, folder: Path) -> Storyboard:
    """With the names of files as they are seen from the folder that the storyboard is written to, so that album and
    film can move together."""
    base = folder.absolute()

    def seen(name: str) -> str:
        path = Path(name).absolute()
        return Path(os.path.relpath(path, base)).as_posix() if path.anchor == base.anchor else str(path)

    return _renamed(board, seen)


def _beside_photos(board: Storyboard) -> tuple[str, ...]:
    """The files other than photos that a storyboard names."""
    return (*board.manner.paintings, *board.manner.masks, *([board.music.file] if board.music.file else []))


def _grid(heard: Score) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """When beats and bars begin, to the millisecond."""
    beats, bars = (
        tuple(round(float(at), 3) for at in times) for times in (heard.beats, heard.beats[heard.downbeats])
    )
    return beats, bars


def _renamed(board: Storyboard, rename: Callable[[str], str]) -> Storyboard:
    """With every name of a file as `rename` says it."""
    return replace(
        board,
        shots=tuple(replace(shot, photo=rename(shot.photo)) for shot in board.shots),
        music=replace(board.music, file=rename(board.music.file)) if board.music.file else board.music,
        manner=replace(
            board.manner,
            paintings=tuple(map(rename, board.manner.paintings)),
            masks=tuple(map(rename, board.manner.masks)),
        ),
    )


def _same(first: Path, second: Path) -> bool:
    return first.absolute() == second.absolute()
