"""The blocks of a recipe that are no plug-in's: what runs, what is compared, what is expected."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from hitforge.core.config import Config
from hitforge.training.config import TrainingConfig

Block = dict[str, Any]
NETWORK = ("target", "region", "representation", "model", "task", "training")
"""The blocks that make a network; two recipes with the same ones train the same network."""


class Comparison(Config):
    """Another network on the same events: this recipe with other settings, or another recipe."""

    label: str = Field(min_length=1, description="name in the report")
    recipe: str | None = Field(None, description="recipe file beside this one; this recipe if absent")
    set: dict[str, Any] = Field(default_factory=dict, description="settings to change, by dotted key")


class Reference(Config):
    """A second sample that the report sets beside the recipe's own, such as real images beside simulated ones."""

    label: str = Field(description="name in the report")
    detector: Block = Field(description="its detector")
    source: Block = Field(description="where it comes from")
    split: Literal["train", "validation", "test"] = Field("train", description="part of it to show")


class EvaluationConfig(Config):
    """The ``evaluation`` block."""

    baselines: list[Block | str] = Field(
        default_factory=list,
        description="classical algorithms on the same events",
        json_schema_extra={"plugins": "baselines"},
    )
    metrics: list[Block | str] | None = Field(
        None, description="what is measured; where absent, the task's usual", json_schema_extra={"plugins": "metrics"}
    )
    compare: list[Comparison] = Field(default_factory=list, description="other networks on the same events")
    sweep: dict[str, Annotated[list[Any], Field(min_length=1)]] = Field(
        default_factory=dict, description="dotted key -> settings: one more network for each combination of them"
    )
    seeds: list[int] = Field(default_factory=list, description="further training seeds of the same network")
    fields: list[str] = Field(default_factory=lambda: ["pt", "eta"], description="event fields kept with predictions")
    reference: Reference | None = Field(None, description="a second sample to set beside the recipe's own")
    saliency: int = Field(6, ge=0, description="test events that are explained in the report")
    seed: int = Field(1, ge=0, description="bootstrap replicas")
    tile: float = Field(
        0.0,
        ge=0,
        le=10_000,
        description="edge of the squares that whole events of showers are cut into for the network, which then looks "
        "at each with its margins [mm]; 0 looks at one square an event",
    )


class Expected(Config):
    """A measured number that a repetition must find again."""

    value: float
    tolerance: float = Field(gt=0, description="largest difference that is accepted")


class Expect(Config):
    """The ``expect`` block: what the recipe gave when it was measured, and on what."""

    metrics: dict[str, Expected] = Field(default_factory=dict)
    minimum: dict[str, float] = Field(default_factory=dict, description="numbers that must not fall below these")
    device: str = ""
    wall_s: float = Field(0.0, ge=0, description="seconds that it took")
    seed: int = 1
    unmeasured: str = Field("", description="why there are no numbers, such as data that are fetched by the user")

    @model_validator(mode="after")
    def _states_something(self) -> Expect:
        if not (self.metrics or self.minimum or self.unmeasured):
            raise ValueError("'expect' must hold metrics, or say in 'unmeasured' why it holds none")
        if self.wall_s and not self.device.strip():
            raise ValueError("'wall_s' must name in 'device' the unit that it was measured with")
        return self


class Blocks(Config):
    """The recipe as it is written."""

    title: str = ""
    description: str = ""
    label: str = Field("", description="what the network is called beside the others; the model's name where absent")
    renamed: ClassVar[dict[str, str]] = {"needs": "depends_on"}

    depends_on: dict[str, str] = Field(
        default_factory=dict, description="network that the representation uses -> recipe file beside this one"
    )
    detector: Block
    source: Block
    representation: Block | None = None
    model: Block | None = None
    target: Block | str | None = None
    region: Block | None = None
    task: Block
    training: TrainingConfig = TrainingConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    expect: Expect | None = None

    @model_validator(mode="after")
    def _has_a_method(self) -> Blocks:
        if self.model is None and not self.evaluation.baselines:
            raise ValueError("a recipe must have a 'model' or 'evaluation.baselines'")
        if self.model is not None and self.representation is None:
            raise ValueError("a recipe with a 'model' must have a 'representation'")
        return self

    @field_validator("detector", "source", "representation", "model", "task", mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        """Read a plug-in's bare name as a block."""
        return {"name": value} if isinstance(value, str) else value

    @field_validator("depends_on")
    @classmethod
    def _is_recipe(cls, values: dict[str, str]) -> dict[str, str]:
        if any(not file.endswith((".yaml", ".yml")) for file in values.values()):
            raise ValueError("each network must be named by its recipe, a .yaml file")
        return values
