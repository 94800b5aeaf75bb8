//! The audit log.

use reqwest::Method;

use super::segment;
use crate::Result;
use crate::page::pairs;
use crate::transport::{Client, TIMEOUT, decode};
use crate::types::{Event, EventFilter, EventPage};

const EVENTS: &str = "/causeway/v1/events";

impl Client {
    /// `GET /causeway/v1/events`: one page, the newest event first. A client without a project reads those of all of its
    /// account.
    ///
    /// # Errors
    /// [`crate::Error`]; status 403 for another account's unless the caller is the operator.
    pub async fn events_page(&self, filter: &EventFilter) -> Result<EventPage> {
        decode(self.send(Method::GET, EVENTS, &pairs(filter)?, None, TIMEOUT).await?.value, EVENTS)
    }

    /// `GET /causeway/v1/events` until there are no more, or `most` are there: the newest first.
    ///
    /// # Errors
    /// As [`Self::events_page`].
    pub async fn list_events(&self, filter: &EventFilter, most: usize) -> Result<Vec<Event>> {
        let mut filter = filter.clone();
        let mut events = Vec::new();
        loop {
            filter.limit = Some((most - events.len()).clamp(1, 2000));
            let page = self.events_page(&filter).await?;
            events.extend(page.events);
            match page.page_info.next_marker {
                Some(marker) if events.len() < most => filter.marker = Some(marker),
                _ => return Ok(events),
            }
        }
    }

    /// `GET /causeway/v1/events/{id}`.
    ///
    /// # Errors
    /// [`crate::Error`].
    pub async fn show_event(&self, id: &str) -> Result<Event> {
        self.show(&format!("{EVENTS}/{}", segment(id)), "event").await
    }
}
