"""The catalogue tells what there is."""

from hitforge.models import MODELS
from hitforge.recipe.catalogue import REGISTRIES, settings_of, summary


def test_every_room_with_plugins_is_there() -> None:
    rooms = (
        "detectors simulation readers representations representations.points.graphs "
        "representations.graph.edges models objects tasks tasks.track_building tasks.track_fitting baselines metrics"
    )
    assert set(REGISTRIES) == set(rooms.split())


def test_summary_and_settings() -> None:
    assert summary(MODELS, "residual").startswith("A residual network")
    settings = {key: default for key, _, default, _ in settings_of(MODELS, "residual")}
    assert settings["version"] in ("1", "2")
