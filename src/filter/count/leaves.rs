//! Which tests have their answers kept on the pages: whoever types asks the same of all records again and again.

use std::collections::HashMap;

use super::bits::ROWS;
use super::criteria::Criteria;
use crate::filter::ask::Ask;

/// Memory for kept answers.
const MOST_BYTES: usize = 32 << 20;

/// The tests whose answers are kept, each with its number.
#[derive(Debug, Default)]
pub struct Leaves {
    numbers: HashMap<Ask, usize>,
}

impl Leaves {
    #[must_use]
    pub fn number(&self, ask: &Ask) -> Option<usize> {
        self.numbers.get(ask).copied()
    }

    /// Gives numbers to the tests of all criteria, as many as there is room for on `pages`; false when all answers that are
    /// kept have to be forgotten for it.
    pub fn make_room(&mut self, criteria: &[&Criteria], pages: usize) -> bool {
        let most = MOST_BYTES / (ROWS / 8) / pages.max(1);
        let fits = self.add(criteria, most);
        if !fits {
            self.numbers.clear();
            self.add(criteria, most);
        }
        fits
    }

    fn add(&mut self, criteria: &[&Criteria], most: usize) -> bool {
        let mut fits = true;
        for ask in criteria.iter().flat_map(|criteria| criteria.asks()) {
            if self.numbers.contains_key(ask) {
                continue;
            }
            if self.numbers.len() < most {
                self.numbers.insert(ask.clone(), self.numbers.len());
            } else {
                fits = false;
            }
        }
        fits
    }
}
