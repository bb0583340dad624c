//! The library's only word on progress: a trait that a caller may implement.

/// Told what long work is doing. Called from several threads.
pub trait Progress: Sync {
    /// A new phase begins; `total` is its number of steps (bytes or items) where that is known.
    fn begin(&self, phase: &str, total: Option<u64>);
    /// `steps` more steps of the phase are done.
    fn advance(&self, steps: u64);
}

/// Says nothing.
impl Progress for () {
    fn begin(&self, _phase: &str, _total: Option<u64>) {}
    fn advance(&self, _steps: u64) {}
}
