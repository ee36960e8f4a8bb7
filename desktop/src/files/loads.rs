//! Which load of the page is the one of now. Two things tell of a load, in either order: the engine that
//! the window shows another document, and the page's process with a socket.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use oriel_hostfs::Surface;

use super::line::{self, Line};

/// The load of now, if there is one.
#[derive(Default)]
pub(crate) struct Loads(Option<Load>);

struct Load {
    surface: Arc<Surface>,
    line: Option<Line>,
    is_committed: bool,
}

impl Loads {
    /// Returns the surface of the load of now.
    pub(super) fn surface(&self) -> Option<Arc<Surface>> {
        self.0.as_ref().map(|load| Arc::clone(&load.surface))
    }

    /// The window shows another document. Where its socket came first this is that load, else a new one.
    pub(super) fn committed(&mut self, surface: impl FnOnce() -> Surface) {
        match &mut self.0 {
            Some(load) if !load.is_committed => load.is_committed = true,
            _ => {
                let surface = Arc::new(surface());
                self.0 = Some(Load { surface, line: None, is_committed: true });
            }
        }
    }

    /// A page's process hands over a socket. A load has one, so a second one tells of another load.
    pub(super) fn connected(
        &mut self,
        socket: OwnedFd,
        surface: impl FnOnce() -> Surface,
    ) -> std::io::Result<()> {
        let is_taken = self.0.as_ref().is_none_or(|load| load.line.is_some());
        if is_taken {
            let surface = Arc::new(surface());
            self.0 = Some(Load { surface, line: None, is_committed: false });
        }
        if let Some(load) = &mut self.0 {
            load.line = Some(line::serve(socket, Arc::clone(&load.surface))?);
        }
        Ok(())
    }

    /// There is no page any more.
    pub(super) fn end(&mut self) {
        self.0 = None;
    }
}

impl Drop for Load {
    /// What the page had open is closed at once, also where something it asked is still under way. What
    /// was written and is not with the system yet is handed over first, which nobody waits for here.
    fn drop(&mut self) {
        self.line = None;
        let surface = Arc::clone(&self.surface);
        let leaving = std::thread::Builder::new().name("files-leave".to_owned());
        if leaving.spawn(move || surface.leave()).is_err() {
            self.surface.leave();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use oriel_hostfs::{Config, Files, Grants, Limits};

    use super::*;

    #[test]
    fn a_document_and_its_socket_are_one_load_whichever_comes_first() {
        let scene = Scene::default();
        let mut loads = Loads::default();
        loads.committed(|| scene.surface());
        let first = loads.surface().unwrap();
        loads.connected(socket(), || scene.surface()).unwrap();
        assert!(Arc::ptr_eq(&first, &loads.surface().unwrap()));

        // Another load, whose socket is quicker.
        loads.connected(socket(), || scene.surface()).unwrap();
        let second = loads.surface().unwrap();
        assert!(!Arc::ptr_eq(&first, &second));
        loads.committed(|| scene.surface());
        assert!(Arc::ptr_eq(&second, &loads.surface().unwrap()));

        // And one without a socket.
        loads.committed(|| scene.surface());
        assert!(!Arc::ptr_eq(&second, &loads.surface().unwrap()));
        loads.end();
        assert!(loads.surface().is_none());
    }

    struct Scene(Arc<Files>);

    impl Default for Scene {
        fn default() -> Self {
            let grants = Grants::fixed(Vec::new());
            Self(Files::new(Config { grants, limits: Limits::default() }))
        }
    }

    impl Scene {
        fn surface(&self) -> Surface {
            self.0.surface("workbench")
        }
    }

    fn socket() -> OwnedFd {
        UnixStream::pair().unwrap().0.into()
    }
}
