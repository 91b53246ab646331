from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from hitforge.core.errors import DataError
from hitforge.report.events._page import events_block, events_page
from hitforge.report.events._scene import Group, Scene, hit_points, in_groups, lines, view_boxes
from tests.held import index_of, loads_nothing

HITS = np.arange(12.0).reshape(4, 3)


def _scene(number: int, found: int = 2) -> Scene:
    parts = (
        hit_points(HITS, np.full(4, 12.0), [("energy", "GeV", [1, 2, 3, number])]),
        in_groups("owner", [Group("</script><b>", "#ff0000", "a")], np.zeros(4, int)),
        lines("track", "ink", [HITS] * found, text=["one"] * found),
        view_boxes([("all", np.array([[0.0, 12.0]] * 3))]),
    )
    return Scene(f"event {number}", f"4 hits, {found} tracks < 3", (f"from file {number}",), parts, ("a note",))


def _both() -> dict[str, list[Scene]]:
    return {"network": [_scene(3), _scene(7)], "filter <i>": [_scene(3, 1), _scene(7, 1)]}


def test_a_page_holds_every_event_of_every_method_and_loads_nothing(tmp_path: Path) -> None:
    text = events_page(_both(), tmp_path / "page.html", 1).read_text(encoding="utf-8")
    assert loads_nothing(text)
    index = index_of(text)
    assert index["first"] == 1
    assert index["methods"] == ["network", "filter <i>"]
    assert [event["name"] for event in index["events"]] == ["event 3", "event 7"]
    first, second = index["events"][0]["methods"]
    assert second["title"] == "4 hits, 1 tracks < 3"
    assert (first["text"], first["notes"]) == (["from file 3"], ["a note"])
    assert [list(index["parts"][name]) for name in first["parts"]] == [["points"], ["colours"], ["lines"], ["views"]]
    assert "<title>event 7</title>" in text


def test_equal_parts_are_held_once() -> None:
    index = index_of(events_block(_both()))
    assert len(index["parts"]) == 2 + 1 + 2 + 1  # hits of two events, colours, lines of two methods, view
    one, two = index["events"][0]["methods"]
    assert one["parts"][0] == two["parts"][0]


def test_an_event_that_a_method_did_not_keep_is_told() -> None:
    index = index_of(events_block({"a": [_scene(3), _scene(7)], "b": [_scene(7)]}))
    assert [event["methods"][1] is None for event in index["events"]] == [True, False]


def test_names_are_no_tags() -> None:
    block = events_block(_both())
    assert block.count("</script>") == 2  # those that end a script
    assert "<i>" not in block
    assert "<b>" not in block


def test_a_page_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError):
        events_page({"": [_scene(1)]}, tmp_path / "file" / "page.html")


_FRAMES = "<script>window.requestAnimationFrame = (draw) => setTimeout(draw, 16);</script>"
"""A browser without a screen may never ask for a frame."""
_KEYS = """<script>
setTimeout(() => document.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowRight"})), 1500);
setTimeout(() => {
  const pixels = document.querySelector("canvas").getContext("2d").getImageData(0, 0, 600, 400).data;
  document.body.append("red " + pixels.some((value, i) => i % 4 === 0 && value > 200 && pixels[i + 1] < 90));
}, 4000);
setTimeout(() => {
  const canvas = document.querySelector("canvas"), area = canvas.getBoundingClientRect(), before = canvas.toDataURL();
  const place = (x) => ({clientX: area.left + x, clientY: area.top + 99});
  const move = (type, x) => canvas.dispatchEvent(new PointerEvent(type, place(x)));
  canvas.setPointerCapture = () => {}; // there is no real pointer
  for (const [type, x] of [["pointerdown", 200], ["pointermove", 260], ["pointerup", 260]]) move(type, x);
  setTimeout(() => document.body.append(" turned " + (canvas.toDataURL() !== before)), 1000);
}, 5000);
</script>"""


def test_a_browser_shows_the_next_event_at_a_key(tmp_path: Path) -> None:
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        pytest.skip("no chromium here, which would show the page")
    path = events_page(_both(), tmp_path / "page.html")
    text = path.read_text(encoding="utf-8").replace("<head>", f"<head>{_FRAMES}")
    path.write_text(text.replace("</body>", f"{_KEYS}</body>"), encoding="utf-8")
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
               "--virtual-time-budget=8000", "--window-size=900,700", f"--user-data-dir={tmp_path / 'chrome'}",
               "--dump-dom", path.as_uri()]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    shown = done.stdout.partition("<noscript>")[2]
    assert "event 7 (2 of 2)" in shown
    assert "4 hits, 2 tracks &lt; 3" in shown
    assert "&lt;/script&gt;&lt;b&gt;" in shown  # a name in the legend
    assert '<option value="1">filter &lt;i&gt;</option>' in shown
    assert "red true" in shown  # hits are drawn
    assert "turned true" in shown
