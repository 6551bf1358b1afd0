//! How many connections, or WebSockets and event streams, are open: in all, and of each asker.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{Code, Fault};
use crate::text::messages::Message;

/// The places of all that are open in this process.
pub struct Places {
    free: Arc<Semaphore>,
    all: u32,
    taken: Arc<Mutex<HashMap<String, usize>>>,
}

/// The place of one that is open, until it is dropped.
pub struct Place {
    asker: String,
    taken: Arc<Mutex<HashMap<String, usize>>>,
    permit: Arc<OwnedSemaphorePermit>,
}

impl Places {
    /// This many places.
    pub fn new(all: usize) -> Self {
        let all = u32::try_from(all).unwrap_or(u32::MAX).min(u32::try_from(Semaphore::MAX_PERMITS).unwrap_or(u32::MAX));
        let free = usize::try_from(all).unwrap_or(usize::MAX);
        Self { free: Arc::new(Semaphore::new(free)), all, taken: Arc::default() }
    }

    /// A place for somebody, who may have this many.
    pub fn take(&self, asker: String, most: usize) -> Result<Place, Fault> {
        let full = |_| Fault::new(Code::ServiceUnavailable, Message::new("http-sockets"));
        let permit = Arc::new(self.free.clone().try_acquire_owned().map_err(full)?);
        count(&self.taken, &asker, most)?;
        Ok(Place { asker, taken: self.taken.clone(), permit })
    }

    /// Waits until one is free.
    pub async fn one_free(&self) {
        // It is never closed.
        let _ = self.free.acquire().await;
    }

    /// Waits until all are free.
    pub async fn all_free(&self) {
        // It is never closed, so all places are free afterwards.
        let _ = self.free.acquire_many(self.all).await;
    }

    /// How many are taken.
    pub fn taken(&self) -> usize {
        usize::try_from(self.all).unwrap_or(usize::MAX).saturating_sub(self.free.available_permits())
    }
}

impl Place {
    /// The same place as somebody else's, who turned out to have it and may have this many.
    pub fn as_of(&self, asker: String, most: usize) -> Result<Self, Fault> {
        count(&self.taken, &asker, most)?;
        Ok(Self { asker, taken: self.taken.clone(), permit: self.permit.clone() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        if let Some(count) = taken.get_mut(&self.asker) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                taken.remove(&self.asker);
            }
        }
    }
}

fn count(taken: &Mutex<HashMap<String, usize>>, asker: &str, most: usize) -> Result<(), Fault> {
    let mut taken = lock(taken);
    let count = taken.entry(asker.to_owned()).or_default();
    if *count >= most {
        let message = Message::new("streams-too-many").with("max", most);
        return Err(Fault::new(Code::TooManySubscriptions, message));
    }
    *count = count.saturating_add(1);
    Ok(())
}

fn lock(taken: &Mutex<HashMap<String, usize>>) -> MutexGuard<'_, HashMap<String, usize>> {
    // Nothing that holds the lock can panic in the middle of a change.
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(places: &Places, asker: &str) -> Result<Place, Code> {
        places.take(asker.to_owned(), 2).map_err(|fault| fault.code())
    }

    #[test]
    fn each_asker_has_as_many_as_one_may_until_some_are_given_back() {
        let places = Places::new(10);
        let held = [take(&places, "one").unwrap(), take(&places, "one").unwrap()];
        assert_eq!(take(&places, "one").err(), Some(Code::TooManySubscriptions));
        assert!(take(&places, "other").is_ok());
        drop(held);
        assert!(take(&places, "one").is_ok());
        assert_eq!(places.taken(), 0);
        assert!(lock(&places.taken).is_empty(), "nobody is remembered who has none");
    }

    #[test]
    fn when_all_are_taken_nobody_gets_one() {
        let places = Places::new(1);
        let held = take(&places, "one").unwrap();
        assert_eq!(take(&places, "other").err(), Some(Code::ServiceUnavailable));
        drop(held);
        assert!(take(&places, "other").is_ok());
    }

    #[test]
    fn a_place_becomes_an_accounts_without_taking_another() {
        let places = Places::new(1);
        let held = take(&places, "address").unwrap();
        let theirs = held.as_of("account".to_owned(), 1).unwrap();
        drop(held);
        assert_eq!(places.taken(), 1);
        assert!(theirs.as_of("account".to_owned(), 1).is_err());
        drop(theirs);
        assert_eq!(places.taken(), 0);
    }
}
