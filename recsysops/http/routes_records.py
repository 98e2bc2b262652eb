"""Issues, runs and models."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from recsysops.domain.views import IssueList, IssueView, ModelsView, RunList
from recsysops.http.context import ApiContext
from recsysops.http.parameters import IssueFilters, Limit, Offset
from recsysops.service.queries.records import IssueSort, issue, issues, models
from recsysops.service.queries.runs import runs


def records_router(context: ApiContext) -> APIRouter:
    """Return the routes about what is kept."""
    router = APIRouter(tags=["records"])

    @router.get("/issues", summary="Issues, worst first", operation_id="issues")
    def get_issues(
        filters: IssueFilters,
        sort: Annotated[IssueSort, Query(description="`opened` and `updated`: latest first.")] = "risk",
        offset: Offset = 0,
        limit: Limit = 100,
    ) -> IssueList:
        """Return findings followed over time, without their histories."""
        return issues(context.store, filters, sort=sort, offset=offset, limit=limit)

    @router.get("/issues/{issue_id}", summary="One issue with its history", operation_id="issue")
    def get_issue(
        issue_id: Annotated[str, Path(max_length=200, description="The issue's id.", examples=["4f0c2a-1"])],
    ) -> IssueView:
        """Return an issue and everything that happened to it, oldest first."""
        return issue(context.store, issue_id)

    @router.get("/runs", summary="Runs, latest first", operation_id="runs")
    def get_runs(
        verb: Annotated[str | None, Query(max_length=40, description="Only runs of this verb.")] = None,
        offset: Offset = 0,
        limit: Limit = 50,
    ) -> RunList:
        """Return what ran, what failed and why, and what was skipped."""
        return runs(context.store, verb=verb, offset=offset, limit=limit)

    @router.get("/model", summary="Active models and their record", operation_id="model")
    def get_model() -> ModelsView:
        """Return the model that serves each measure and horizon, and the scores of the last backtest."""
        return models(context.store)

    return router
