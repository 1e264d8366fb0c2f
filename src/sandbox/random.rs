//! Random numbers from a seed: the same seed makes the same customers and the same story. Nothing secret is made of
//! them.

/// A seeded source of numbers.
#[derive(Clone, Debug)]
pub struct Random(fastrand::Rng);

impl Random {
    /// A source that depends on nothing but `seed`.
    pub fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0.u64(..)
    }

    /// A number below `bound`; 0 where `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0.u64(..bound.max(1))
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        self.0.i64(low..=high.max(low))
    }

    /// True in `percent` of a hundred cases.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of `choices`; the type's empty value where there are none.
    pub fn pick<T: Copy + Default>(&mut self, choices: &[T]) -> T {
        self.0.choice(choices).copied().unwrap_or_default()
    }

    /// `length` digits of base 16.
    pub fn hex(&mut self, length: usize) -> String {
        (0..length).map(|_| self.0.digit(16)).collect()
    }

    /// `length` decimal digits.
    pub fn digits(&mut self, length: usize) -> String {
        (0..length).map(|_| self.0.digit(10)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn the_same_seed_draws_the_same_numbers() {
        let draw = |seed| {
            let mut random = Random::new(seed);
            (0..50).map(|_| random.bits()).collect::<Vec<_>>()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn every_draw_keeps_its_bounds() {
        let mut random = Random::new(1);
        let mut seen = [false; 3];
        for _ in 0..1_000 {
            let number = random.between(-1, 1);
            seen[usize::try_from(number + 1).unwrap()] = true;
            assert!(random.below(5) < 5);
        }
        assert_eq!(seen, [true; 3]);
        assert_eq!(random.below(0), 0);
        assert_eq!(random.pick::<&str>(&[]), "");
        assert_eq!(random.hex(24).len(), 24);
        assert!(!random.chance(0) && random.chance(100));
    }
}
