//! A batch that is refused as a whole: whom the answer blames is taken out; where it blames nobody, halves are sent until
//! the culprits stand alone. The rest goes through.
//!
//! Calls are bounded: at most 2n - 1 for n items, all of them bad in different ways; 2·log₂(n) or so for a single bad one;
//! and none after the time that a write has to be sent in.

use std::sync::Arc;

use super::HubSpot;
use super::outcome::{self, Blame};
use super::record::Reader;
use super::write::{Item, Verb, Verdict, batch_call};
use crate::connect::error::Fault;
use crate::connect::http::Session;
use crate::engine::core::request::{Failure, ItemOutcome, Rejection};

impl HubSpot {
    /// Sends the items at `open` and fills in their verdicts.
    ///
    /// # Errors
    /// The first call failed in a way that says nothing of single items: nothing more was sent.
    pub(super) async fn send_batch(
        &self,
        reader: &Reader<'_>,
        verb: Verb,
        items: &[Item<'_>],
        open: Vec<usize>,
        verdicts: &mut [Option<Verdict>],
        session: &mut Session,
    ) -> Result<(), Fault> {
        let mut groups = vec![open];
        let mut first = true;
        while let Some(group) = groups.pop() {
            if group.is_empty() {
                continue;
            }
            let batch: Vec<&Item<'_>> = group.iter().map(|at| &items[*at]).collect();
            let call = batch_call(reader.object, verb, &batch);
            let reply = self.reply(&call, session).await;
            let wire = session.last.clone().map(Arc::new);
            let fate = match reply {
                Ok(reply) => self.judge(&call, &reply).map_err(|fault| self.blamed(fault, &reply)),
                Err(fault) => Err(Refused { fault, blame: Blame::default() }),
            };
            let mut settle = |at: usize, verdict: Verdict| {
                verdicts[at] = Some(Verdict { wire: wire.clone(), ..verdict });
            };
            match fate {
                Ok(answer) => {
                    for at in group.iter().copied() {
                        settle(at, self.verdict(reader, &items[at], &answer, group.len()));
                    }
                }
                Err(Refused { fault: Fault { failure: Failure::Rejected(rejection), .. }, blame }) => {
                    let (bad, good) = culprits(&group, items, &blame, &rejection);
                    for (at, rejection) in bad {
                        settle(at, Verdict::rejected(rejection));
                    }
                    let (left, right) = good;
                    groups.extend([right, left]);
                }
                Err(refused) if first => return Err(refused.fault),
                Err(refused) => {
                    for at in group.iter().copied() {
                        settle(at, Verdict::new(ItemOutcome::Unknown(left_over(&refused.fault))));
                    }
                }
            }
            first = false;
        }
        Ok(())
    }

    fn blamed(&self, fault: Fault, reply: &crate::connect::http::Reply) -> Refused {
        let mut blame = outcome::blame(reply);
        for (_, rejection) in blame.named.iter_mut().chain(&mut blame.hopeless) {
            rejection.message = self.transport.redactor.clean(&rejection.message);
        }
        Refused { fault, blame }
    }
}

/// A call that failed, and whom its answer blames.
struct Refused {
    fault: Fault,
    blame: Blame,
}

type Halves = (Vec<usize>, Vec<usize>);

/// Who is refused for good, and the two groups that are sent next.
fn culprits(
    group: &[usize],
    items: &[Item<'_>],
    blame: &Blame,
    whole: &Rejection,
) -> (Vec<(usize, Rejection)>, Halves) {
    if let [one] = group {
        return (vec![(*one, whole.clone())], Halves::default());
    }
    let mine = |at: usize| {
        let item = &items[at];
        let (trace, target) = (item.intent.to_string(), item.target.map(|id| id.to_string()));
        let named = blame.named.iter().find(|(name, _)| *name == trace || Some(name) == target.as_ref());
        named.or_else(|| blame.hopeless.iter().find(|(name, _)| item.carries(name))).map(|(_, why)| why.clone())
    };
    let bad: Vec<(usize, Rejection)> = group.iter().filter_map(|at| Some((*at, mine(*at)?))).collect();
    if bad.is_empty() {
        let (left, right) = group.split_at(group.len() / 2);
        return (bad, (left.to_vec(), right.to_vec()));
    }
    let rest = group.iter().copied().filter(|at| !bad.iter().any(|(one, _)| one == at)).collect();
    (bad, (rest, Vec::new()))
}

/// The batch was refused, so that nothing of it was done; of this part there is no word since.
fn left_over(fault: &Fault) -> String {
    let why = crate::connect::ConnectError::from(fault.clone()).message;
    format!("The batch was refused because of another record, and trying this one again failed: {why}")
}
