//! Roles by their names: in a path, and in lists.

use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::web::Json;
use actix_web::{Error, FromRequest, HttpRequest};
use diesel::PgConnection;

use crate::db::Db;
use crate::hotels::staff::Refusal;
use crate::http::list::ListQuery;
use crate::http::problem::{Code, Problem};
use crate::kernel::page::{self, DEFAULT_LIMIT, Page};
use crate::kernel::secret::Keyring;

/// The role that ends the path. What cannot be a role's name is unknown: 404.
#[derive(Clone, Debug)]
pub struct PathRole(pub String);

impl FromRequest for PathRole {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let role = req.match_info().iter().last().map(|(_, segment)| segment);
        let role = role.filter(|role| role.bytes().all(|byte| byte.is_ascii_graphic()));
        ready(role.map(|role| Self(role.to_owned())).ok_or_else(|| Problem::plain(Code::NotFound).into()))
    }
}

/// A page of the list that `list` names, in the order of the roles' names.
pub async fn page<T: Send + 'static>(
    db: &Db,
    keys: &Arc<Keyring>,
    list: &str,
    query: ListQuery,
    read: impl Fn(&mut PgConnection, &str, i64) -> Result<Vec<T>, Refusal> + Send + 'static,
    role: impl Fn(&T) -> String,
) -> Result<Json<Page<T>>, Problem> {
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    let after = query.cursor.map_or_else(|| Ok(String::new()), |cursor| page::open(keys, list, &cursor));
    let after = after.map_err(|_| Problem::plain(Code::CursorInvalid))?;
    let rows = db.read(move |conn| read(conn, &after, limit + 1)).await?;
    Ok(Json(page::cut(keys, list, rows, limit, role)?))
}
