//! Numbers that look random and are the same for the same seed (SplitMix64).

/// A stream of numbers from a seed.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`; zero when the bound is zero.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = bound.max(1) as u64;
        usize::try_from(self.next() % bound).unwrap_or(0)
    }

    /// Whether something of this probability (0 to 1) happens this time.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
    pub fn happens(&mut self, probability: f64) -> bool {
        (self.next() >> 11) as f64 / ((1_u64 << 53) as f64) < probability
    }

    pub fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from.get(self.below(from.len())).copied().unwrap_or_default()
    }

    /// Like the correlation ids of HubSpot: a version 7 UUID, its first 48 bits the time in milliseconds.
    pub fn uuid_v7(&mut self, now_ms: i64) -> String {
        let time = u64::try_from(now_ms).unwrap_or(0);
        let (a, b) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-7{:03x}-{:04x}-{:012x}",
            (time >> 16) & 0xFFFF_FFFF,
            time & 0xFFFF,
            a & 0xFFF,
            0x8000 | ((a >> 16) & 0x3FFF),
            b & 0xFFFF_FFFF_FFFF
        )
    }
}
