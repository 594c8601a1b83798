//! The page of the guest's bank, as far as it matters: whoever has its address says how the authentication ended.

use actix_web::post;
use actix_web::web::{Data, Json, Path};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Simulator;
use super::ledger::{self, Change, LedgerStatus};
use crate::db::DbError;
use crate::http::extract::{Body, InOrder};
use crate::http::problem::{Code, Problem, ProblemDocument};
use crate::payments::Provider;

/// Where the pages are; beside the API, for they are not Lastroom's.
pub const PATH: &str = "/simulator/challenges";

/// How the authentication ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChallengeOutcome {
    Succeed,
    Fail,
}

/// What the guest tells their bank.
#[derive(Clone, Copy, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChallengeAnswer {
    #[garde(skip)]
    outcome: ChallengeOutcome,
}

/// Where the simulator's intent stands.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ChallengeBody {
    pub status: LedgerStatus,
}

/// Answer as the guest's bank
///
/// The simulator's `next_action.url`. Unguessable, so whoever has it needs no token. The first answer counts; after it,
/// or once the payment was given up, this tells how it ended.
#[utoipa::path(tag = "simulator", request_body = ChallengeAnswer,
    params(("token" = String, Path, description = "as in next_action.url")),
    responses(
        (status = 200, body = ChallengeBody),
        (status = 400, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
    ))]
#[post("/simulator/challenges/{token}")]
pub async fn answer_challenge(
    call: InOrder<(Body<ChallengeAnswer>, Path<String>)>,
    provider: Data<Provider>,
) -> Result<Json<ChallengeBody>, Problem> {
    let InOrder((body, token)) = call;
    let Provider::Simulator(simulator) = provider.get_ref();
    let status = simulator.authenticated(token.into_inner(), body.value.outcome).await?;
    let status = status.ok_or_else(|| Problem::plain(Code::NotFound))?;
    Ok(Json(ChallengeBody { status }))
}

impl Simulator {
    /// The bank has its guest's answer; where the intent stands then. None: no guest was sent to that page.
    async fn authenticated(&self, token: String, outcome: ChallengeOutcome) -> Result<Option<LedgerStatus>, DbError> {
        let write = self.db.write(move |tx| {
            let Some(row) = ledger::lock_by_token(tx, &token)? else {
                return Ok(None);
            };
            if row.status != LedgerStatus::RequiresAction {
                return Ok(Some(row.status));
            }
            let change = match outcome {
                ChallengeOutcome::Succeed => Change::Authorized,
                ChallengeOutcome::Fail => Change::Declined { code: "authentication_failed".to_owned() },
            };
            Ok::<_, DbError>(Some(super::change(tx, &row, &change)?.status))
        });
        write.await
    }
}
