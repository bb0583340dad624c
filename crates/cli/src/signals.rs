//! What is put right before a signal ends the process.

use std::io;

/// Does something when Ctrl-C, a service manager or a terminal that closes ends the process, which then ends as it would have.
#[cfg(unix)]
pub(crate) fn before_end(tidy: impl Fn() + Send + 'static) -> io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;
    use signal_hook::low_level::emulate_default_handler;

    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    // A thread of its own may lock and write, which a handler may not.
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in signals.forever() {
            tidy();
            let _ = emulate_default_handler(signal);
        }
    })?;
    Ok(())
}

/// Where there are no such signals, there is nothing to do.
#[cfg(not(unix))]
pub(crate) fn before_end(_tidy: impl Fn() + Send + 'static) -> io::Result<()> {
    Ok(())
}
