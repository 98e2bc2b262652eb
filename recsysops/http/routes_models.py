"""The registry: models, what happened to them, and what a person decides on them."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from recsysops.domain.registry import ModelAnswer, ModelDetail, ModelList
from recsysops.errors import ModelError, StoreError, UsageError
from recsysops.http.context import ApiContext
from recsysops.http.routes_data import DecisionBody
from recsysops.service.models import model_on_record, models

ModelId = Annotated[
    str, Path(min_length=1, max_length=200, description="The model's id.", examples=["reach-1d-0123456789abcdef"])
]


class RollbackBody(DecisionBody):
    """Who goes back to earlier models, why, and of which measure and horizon: all where none is given."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"by": "Ada", "reason": "The new one is off in Brazil.", "measure": "reach"}]},
    )

    measure: Literal["reach", "impression_share", "uptake"] | None = Field(default=None, description="Only this one.")
    horizon: Literal[1, 7, 28] | None = Field(default=None, description="Only this one, days.")


class ModelAnswers(BaseModel):
    """What answers again."""

    answers: tuple[ModelAnswer, ...]


def models_router(context: ApiContext) -> APIRouter:
    """Return the routes about models."""
    router = APIRouter(tags=["records"])

    def moved(verb: Literal["activate", "rollback"], body: DecisionBody, model_id: str = "") -> tuple[ModelAnswer, ...]:
        if context.move_models is None:
            raise StoreError("Nothing can be decided here: this API only reads. Use `recsysops model`.")
        measure, horizon = (body.measure, body.horizon) if isinstance(body, RollbackBody) else (None, None)
        try:
            return context.move_models(verb, body.by, body.reason, model_id=model_id, measure=measure, horizon=horizon)
        except ModelError as error:  # refusing is what was asked of us: nothing went wrong here
            raise UsageError(str(error)) from error

    @router.get("/models", summary="All models, newest first", operation_id="models")
    def get_models() -> ModelList:
        """Return every model with where it stands: active, challenger or retired."""
        return models(context.store)

    @router.post("/models/rollback", summary="Go back to the models before", operation_id="rollback_models")
    def rollback_models(body: RollbackBody) -> ModelAnswers:
        """Let the models that answered before answer again, all of them or none.

        While another process writes it answers 503 with `Retry-After`.
        """
        return ModelAnswers(answers=moved("rollback", body))

    @router.get("/models/{model_id}", summary="One model and what happened to it", operation_id="model_detail")
    def get_model_detail(model_id: ModelId) -> ModelDetail:
        """Return a model and its moves, oldest first, each with who, why and when."""
        return model_on_record(context.store, model_id)

    @router.post("/models/{model_id}/activate", summary="Let a model answer", operation_id="activate_model")
    def activate_model(model_id: ModelId, body: DecisionBody) -> ModelAnswer:
        """Check the model's files and point at it; the next prediction is its own.

        While another process writes it answers 503 with `Retry-After`.
        """
        return moved("activate", body, model_id)[0]

    return router
