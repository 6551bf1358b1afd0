//! How values of the domain stand in columns: words as text, value objects as jsonb.

use std::error::Error;
use std::fmt::Debug;
use std::io::Write;
use std::ops::Deref;
use std::str::FromStr;

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{Jsonb, Text};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A word of a closed list, or another value with one canonical text, as a text column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub struct Word<T>(pub T);

impl<T: FromStr> FromSql<Text, Pg> for Word<T> {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        let text = <String as FromSql<Text, Pg>>::from_sql(value)?;
        let word = T::from_str(&text).map_err(|_| format!("the column holds the unknown word {text}"))?;
        Ok(Self(word))
    }
}

impl<T: AsRef<str> + Debug> ToSql<Text, Pg> for Word<T> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(self.0.as_ref().as_bytes())?;
        Ok(IsNull::No)
    }
}

/// A value object as a jsonb column, in the form of the transfer format.
#[derive(Clone, Debug, Default, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Jsonb)]
pub struct Json<T>(pub T);

impl<T> Deref for Json<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned> FromSql<Jsonb, Pg> for Json<T> {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        // The first byte is the version of the binary format; there has only ever been version 1.
        match value.as_bytes().split_first() {
            Some((1, json)) => Ok(Self(serde_json::from_slice(json)?)),
            _ => Err(Box::<dyn Error + Send + Sync>::from("unknown version of jsonb")),
        }
    }
}

impl<T: Serialize + Debug> ToSql<Jsonb, Pg> for Json<T> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(&[1])?;
        serde_json::to_writer(out, &self.0)?;
        Ok(IsNull::No)
    }
}
