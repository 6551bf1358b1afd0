//! How values of the domain stand in columns: words as text, value objects as jsonb.

use std::error::Error;
use std::fmt::{self, Debug};
use std::io::Write;
use std::ops::Deref;
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

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

/// A value object as a jsonb column, in the form of the transfer format. It is taken apart when it is looked at: a row has
/// many of them, and most readers look at one or two. From then on it is held taken apart alone.
#[derive(AsExpression, FromSqlRow)]
#[diesel(sql_type = Jsonb)]
pub struct Json<T> {
    /// What the column holds, until it is looked at; empty too when the value came from elsewhere.
    read: Mutex<Box<[u8]>>,
    value: OnceLock<T>,
}

impl<T> Json<T> {
    /// A value for a column.
    pub fn new(value: T) -> Self {
        Self { read: Mutex::default(), value: OnceLock::from(value) }
    }

    /// How many bytes are held as they were read; 0 once they are taken apart.
    pub fn read_bytes(&self) -> usize {
        self.read().len()
    }

    fn read(&self) -> MutexGuard<'_, Box<[u8]>> {
        // Whoever panics while it is locked has only looked.
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: DeserializeOwned> Json<T> {
    /// The value of the column.
    pub fn into_inner(self) -> T {
        let read = std::mem::take(&mut *self.read());
        self.value.into_inner().unwrap_or_else(|| taken_apart(&read))
    }
}

impl<T: DeserializeOwned> Deref for Json<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.value.get_or_init(|| {
            let mut read = self.read();
            let value = taken_apart(&read);
            *read = Box::default();
            value
        })
    }
}

impl<T: Clone + DeserializeOwned> Clone for Json<T> {
    fn clone(&self) -> Self {
        Self::new(T::clone(self))
    }
}

/// How many bytes a column that may be null holds as they were read.
pub fn read_bytes<T>(column: &Option<Json<T>>) -> usize {
    column.as_ref().map_or(0, Json::read_bytes)
}

impl<T: Default> Default for Json<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: DeserializeOwned + Debug> Debug for Json<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Debug::fmt(&**self, f)
    }
}

fn taken_apart<T: DeserializeOwned>(json: &[u8]) -> T {
    serde_json::from_slice(json).unwrap_or_else(|error| {
        // PostgreSQL keeps JSON well-formed, and the hub alone writes its columns, in the form that it reads.
        panic!("a column holds no {}: {error}", std::any::type_name::<T>())
    })
}

impl<T> FromSql<Jsonb, Pg> for Json<T> {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        // The first byte is the version of the binary format; there has only ever been version 1.
        match value.as_bytes().split_first() {
            Some((1, json)) => Ok(Self { read: Mutex::new(json.into()), value: OnceLock::new() }),
            _ => Err(Box::<dyn Error + Send + Sync>::from("unknown version of jsonb")),
        }
    }
}

impl<T: Serialize + DeserializeOwned + Debug> ToSql<Jsonb, Pg> for Json<T> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(&[1])?;
        serde_json::to_writer(out, &**self)?;
        Ok(IsNull::No)
    }
}
