"""The Strategies tab in TensorBoard: serves the page and what it shows.

All data come from TensorBoard's data provider, so they are there whichever loader reads the event
files, and nothing on the disk is opened by a name that a request gives.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

from tensorboard import errors, plugin_util
from tensorboard.backend import http_util
from tensorboard.data import provider
from tensorboard.plugins import base_plugin
from werkzeug import wrappers

from rlmonitor.board.page_data import (
    EVENTS,
    KEPT,
    PARTS,
    PICTURES,
    ROUND,
    ROUNDS,
    Stored,
    dump,
    index_of,
)

BUNDLE = "index.js"
MOST_POINTS = 1_000_000
"""Of a tag, that the data provider is asked for: all that it has kept."""

Answer = Callable[[Any], wrappers.Response]

Places = dict[tuple[str, int, str], tuple[str, ...]]
"""Part, timestep and key to the keys by which the data provider gives its byte strings."""


class StrategiesTab(base_plugin.TBPlugin):  # type: ignore[misc]  # TensorBoard has no types
    """Routes: ``/index.js``, ``/runs``, ``/run?run=`` and ``/part?run=&part=&timestep=&key=&i=``.

    Args:
        context: TensorBoard's; only its data provider is used.
    """

    plugin_name = ROUNDS

    def __init__(self, context: base_plugin.TBContext) -> None:
        self._data = context.data_provider
        # The data server takes 40 ms to answer anything, so nothing is asked twice
        self._places: dict[str, Places] = {}

    def get_plugin_apps(self) -> dict[str, Any]:
        """The routes."""
        answers: dict[str, Answer] = {
            f"/{BUNDLE}": _bundle,
            "/runs": self._runs,
            "/run": self._run,
            "/part": self._part,
        }
        return {route: _application(answer) for route, answer in answers.items()}

    def is_active(self) -> bool:
        """False: TensorBoard looks itself whether there are data of `data_plugin_names`."""
        return False

    def data_plugin_names(self) -> tuple[str, ...]:
        """Data of these plugins make the tab appear."""
        return ROUNDS, PICTURES

    def frontend_metadata(self) -> base_plugin.FrontendMetadata:
        """The tab's name and module; it looks for news itself."""
        return base_plugin.FrontendMetadata(
            es_module_path=f"/{BUNDLE}", tab_name="Strategies", disable_reload=True
        )

    def _runs(self, request: Any) -> wrappers.Response:
        """Names of the runs that have data, each with a stamp that changes when there are more."""
        found = self._data.list_tensors(**_asked(request), plugin_name=ROUNDS)
        runs = [
            {"name": run, "stamp": str(max(series.max_wall_time for series in tags.values()))}
            for run, tags in sorted(found.items())
        ]
        return _respond(request, {"runs": runs}, "application/json")

    def _run(self, request: Any) -> wrappers.Response:
        run = _argument(request, "run")
        only = provider.RunTagFilter(runs=[run])
        asked = {**_asked(request), "downsample": MOST_POINTS, "run_tag_filter": only}
        with ThreadPoolExecutor(1) as beside:
            pictures = beside.submit(self._look_up, request, run)
            records = self._data.read_tensors(**asked, plugin_name=ROUNDS).get(run)
        if records is None:
            raise _Refused(404, f"There is no run {run!r} with data for this page.")
        stored = Stored(
            rounds=_texts(records.get(ROUND, ())),
            events=_texts(records.get(EVENTS, ())),
            parts=_keys(pictures.result()),
        )
        # dumped here: TensorBoard would look at each number once more for what JSON cannot hold
        return _respond(request, dump(index_of(run, stored)), "application/json")

    def _part(self, request: Any) -> wrappers.Response:
        run, part = _argument(request, "run"), _argument(request, "part")
        timestep, place = _number(request, "timestep"), _number(request, "i")
        if part not in PARTS:
            raise _Refused(404, f"There is no part {part!r}; known: {', '.join(PARTS)}.")
        address = part, timestep, _argument(request, "key")
        blobs = self._places.get(run, {}).get(address) or self._look_up(request, run).get(address)
        blob = None
        if blobs and place < len(blobs):
            blob = self._blob(request, blobs[place])
        if blob is None:
            raise _Refused(
                404,
                f"TensorBoard holds no {part} of {run!r} at timestep {timestep:,}: "
                f"it keeps those of {KEPT[PICTURES]} rounds, drawn at random, and of the last one.",
            )
        kind = "application/octet-stream" if place else "application/json"
        return _kept(_respond(request, blob, kind))

    def _look_up(self, request: Any, run: str) -> Places:
        """The pictures that TensorBoard holds of a run by now."""
        found = self._data.read_blob_sequences(
            **_asked(request),
            plugin_name=PICTURES,
            downsample=MOST_POINTS,
            run_tag_filter=provider.RunTagFilter(runs=[run]),
        ).get(run, {})
        places: Places = {
            (part, datum.step, str(datum.wall_time)): tuple(v.blob_key for v in datum.values)
            for part, tag in PARTS.items()
            for datum in found.get(tag, ())
        }
        if places:
            self._places[run] = places
        return places

    def _blob(self, request: Any, key: str) -> bytes | None:
        """A byte string; None where TensorBoard has dropped it since it was looked up."""
        try:
            context = plugin_util.context(request.environ)
            return bytes(self._data.read_blob(ctx=context, blob_key=key))
        except errors.NotFoundError:
            return None


def _keys(places: Places) -> dict[str, dict[int, str]]:
    """Part to timestep to a key that changes when its bytes do."""
    return {part: {step: key for own, step, key in places if own == part} for part in PARTS}


def _application(answer: Answer) -> Any:
    """An answer as a WSGI application: own origin only, errors as JSON with a sentence."""

    @wrappers.Request.application
    def application(request: Any) -> wrappers.Response:
        try:
            _check(request)
            return answer(request)
        except _Refused as error:
            return _respond(request, {"error": error.sentence}, "application/json", error.code)

    return application


class _Refused(Exception):
    def __init__(self, code: int, sentence: str) -> None:
        super().__init__(sentence)
        self.code, self.sentence = code, sentence


def _check(request: Any) -> None:
    """Refuse other methods, and what another origin's page asks."""
    if request.method not in {"GET", "HEAD"}:
        raise _Refused(405, f"{request.method} is not known here; ask with GET.")
    origin = request.headers.get("Origin")
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    if site not in {"same-origin", "none"} or (origin and _host(origin) != request.host):
        raise _Refused(403, "This data is for TensorBoard's own page only.")


def _host(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:  # brackets that hold no address
        return None


def _bundle(request: Any) -> wrappers.Response:
    script = (files("rlmonitor") / "board" / "static" / BUNDLE).read_bytes()
    return _respond(request, script, "text/javascript")


def _respond(request: Any, content: Any, kind: str, code: int = 200) -> wrappers.Response:
    response: wrappers.Response = http_util.Respond(request, content, kind, code)
    return response


def _kept(response: wrappers.Response) -> wrappers.Response:
    """A response whose address changes when its bytes do."""
    response.headers["Cache-Control"] = "private, max-age=31536000, immutable"
    response.headers.pop("Expires", None)
    return response


def _asked(request: Any) -> dict[str, Any]:
    return {
        "ctx": plugin_util.context(request.environ),
        "experiment_id": plugin_util.experiment_id(request.environ),
    }


def _argument(request: Any, name: str) -> str:
    value = request.args.get(name)
    if value is None:
        raise _Refused(400, f"The address has no {name!r}.")
    return str(value)


def _number(request: Any, name: str) -> int:
    value = _argument(request, name)
    if not (value.isdecimal() and len(value) < 20):
        raise _Refused(400, f"{name}={value[:40]!r} is not a whole number.")
    return int(value)


def _texts(data: Any) -> list[bytes]:
    """The strings of tensors that hold one; what holds something else cannot be read later."""
    return [
        b"".join(bytes(v) for v in datum.numpy.ravel() if isinstance(v, bytes)) for datum in data
    ]
