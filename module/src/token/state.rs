//! What this process knows of a token: its sessions, the login that they share, and the objects in memory.
//!
//! One lock is around all of it, so that what must hold together is looked at and changed in one go: a login has a
//! session, a session object its session, a private one its login.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, PoisonError, RwLockReadGuard, RwLockWriteGuard};

use crate::cryptoki::ids::CKA_PRIVATE;
use crate::cryptoki::{Error, Result, Rv};
use crate::object::{Attributes, Object};
use crate::store::Keys;

use super::login::User;
use super::objects::{Kept, no_object};
use super::{Access, Token};

/// A session object's handle has this bit.
pub(super) const SESSION_OBJECT: u64 = 1 << 62;
/// So many token objects are kept open; more are opened again when they are needed.
const KEPT_OPEN: usize = 4096;

/// See above.
#[derive(Default)]
pub(super) struct State {
    sessions: BTreeMap<u64, Seat>,
    /// How many of them are read-write.
    read_write: u64,
    pub login: Option<Login>,
    /// C_InitToken by whichever process counts this up: what was known before is void then.
    pub generation: u64,
    /// The last handle of a session object, without its bit.
    last: u64,
    objects: BTreeMap<u64, Held>,
    /// Token objects that were read, by their rows.
    open: HashMap<u64, Kept>,
}

/// Who is logged in. All sessions of an application share it (§5.6).
pub(super) struct Login {
    pub user: User,
    /// The user's name; empty for CKU_SO and for CKU_USER without one.
    pub name: String,
    pub keys: Arc<Keys>,
}

/// A session, and its objects.
struct Seat {
    read_write: bool,
    owned: BTreeSet<u64>,
}

/// A session object, and its session.
struct Held {
    session: u64,
    object: Arc<Object>,
}

/// Who looks at the token, at one moment.
pub(super) struct View {
    pub user: Option<User>,
    pub keys: Option<Arc<Keys>>,
    pub epoch: u64,
}

impl State {
    /// Nobody is there, and the token is of this generation.
    pub fn new(generation: u64) -> State {
        State { generation, ..State::default() }
    }

    /// Who is logged in.
    pub fn user(&self) -> Option<User> {
        self.login.as_ref().map(|login| login.user)
    }

    /// How many sessions there are: all, and the read-write ones among them.
    pub fn sessions(&self) -> (u64, u64) {
        (self.sessions.len() as u64, self.read_write)
    }

    /// Whether a session's user could log in.
    ///
    /// # Errors
    /// CKR_SESSION_CLOSED, CKR_USER_ALREADY_LOGGED_IN, CKR_USER_ANOTHER_ALREADY_LOGGED_IN,
    /// CKR_SESSION_READ_ONLY_EXISTS for the SO.
    pub fn may_login(&self, session: u64, user: User, name: &str) -> Result<()> {
        if !self.sessions.contains_key(&session) {
            return Err(closed());
        }
        let read_only = self.sessions.len() as u64 - self.read_write;
        match &self.login {
            Some(login) if login.user == user && login.name == name => {
                Err(Rv::UserAlreadyLoggedIn.because("this user is logged in already"))
            }
            Some(_) => {
                Err(Rv::UserAnotherAlreadyLoggedIn.because("another user is logged in: log out first"))
            }
            None if user == User::Officer && read_only > 0 => {
                Err(Rv::SessionReadOnlyExists.because(format!(
                    "{read_only} read-only sessions are open: the SO logs in with read-write sessions only"
                )))
            }
            None => Ok(()),
        }
    }

    /// Whether who is logged in may know of an object.
    fn shows(&self, object: &Object) -> bool {
        self.user() == Some(User::User) || !object.flag(CKA_PRIVATE)
    }

    /// A session object.
    pub fn object(&self, handle: u64) -> Option<Arc<Object>> {
        let held = self.objects.get(&handle).filter(|held| self.shows(&held.object))?;
        Some(held.object.clone())
    }

    /// All session objects with their handles, in ascending order.
    pub fn objects(&self) -> impl Iterator<Item = (u64, &Object)> {
        let shown = self.objects.iter().filter(|(_, held)| self.shows(&held.object));
        shown.map(|(handle, held)| (*handle, &*held.object))
    }

    /// Takes in objects of a session, all or none.
    ///
    /// # Errors
    /// CKR_SESSION_CLOSED, CKR_USER_NOT_LOGGED_IN.
    pub fn hold(&mut self, access: Access, objects: Vec<Object>) -> Result<Vec<u64>> {
        if !objects.iter().all(|object| self.shows(object)) {
            return Err(private());
        }
        let seat = self.sessions.get_mut(&access.session).ok_or_else(closed)?;
        let mut handles = Vec::with_capacity(objects.len());
        for object in objects {
            self.last += 1;
            let handle = SESSION_OBJECT | self.last;
            seat.owned.insert(handle);
            self.objects.insert(handle, Held { session: access.session, object: Arc::new(object) });
            handles.push(handle);
        }
        Ok(handles)
    }

    /// A session object gets other attributes; answers what it was before.
    ///
    /// # Errors
    /// CKR_OBJECT_HANDLE_INVALID, and those of what makes the attributes.
    pub fn amend(
        &mut self,
        handle: u64,
        after: impl FnOnce(&Object) -> Result<Attributes>,
    ) -> Result<Arc<Object>> {
        let before = self.object(handle).ok_or_else(|| no_object(handle))?;
        let after = Arc::new(Object::new(after(&before)?));
        if let Some(held) = self.objects.get_mut(&handle) {
            held.object = after;
        }
        Ok(before)
    }

    /// A session object goes. False when there is none.
    pub fn release(&mut self, handle: u64) -> bool {
        let Some(held) = self.objects.remove(&handle) else { return false };
        if let Some(seat) = self.sessions.get_mut(&held.session) {
            seat.owned.remove(&handle);
        }
        true
    }

    /// A token object that was read.
    pub fn kept(&self, row: u64) -> Option<Kept> {
        self.open.get(&row).cloned()
    }

    /// Forgets a token object that was read.
    pub fn close(&mut self, row: u64) {
        self.open.remove(&row);
    }

    fn keep(&mut self, row: u64, kept: Kept) {
        if self.open.len() >= KEPT_OPEN
            && let Some(any) = self.open.keys().next().copied()
        {
            self.open.remove(&any);
        }
        self.open.insert(row, kept);
    }

    /// Private session objects are destroyed, and private token objects are no longer known.
    fn forget_private(&mut self) {
        let private = self.objects.iter().filter(|(_, held)| held.object.flag(CKA_PRIVATE));
        let private: Vec<u64> = private.map(|(handle, _)| *handle).collect();
        private.into_iter().for_each(|handle| _ = self.release(handle));
        self.open.retain(|_, kept| !kept.private);
    }
}

impl Token {
    pub(super) fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn state_mut(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The turn of a PIN. It comes before the state, and stays while the PIN is tried.
    pub(super) fn turn(&self) -> MutexGuard<'_, ()> {
        self.trying.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who looks, and what is known of a row.
    pub(super) fn view(&self, row: u64) -> (View, Option<Kept>) {
        let state = self.state();
        let keys = state.login.as_ref().map(|login| login.keys.clone());
        (View { user: state.user(), keys, epoch: self.epoch() }, state.kept(row))
    }

    /// Keeps a token object that was read, unless its login is over by now.
    pub(super) fn keep(&self, row: u64, kept: &Kept, epoch: u64) {
        let mut state = self.state_mut();
        if !kept.private || self.epoch() == epoch {
            state.keep(row, kept.clone());
        }
    }

    /// A session opens.
    ///
    /// # Errors
    /// CKR_DEVICE_REMOVED; CKR_SESSION_COUNT; CKR_SESSION_READ_WRITE_SO_EXISTS for a read-only session while the SO is logged in (§5.6.1).
    pub fn enter(&self, session: u64, read_write: bool) -> Result<()> {
        let mut state = self.state_mut();
        let _turn;
        if state.sessions.is_empty() {
            // C_InitToken has its turn while there is no session: the first one waits for the end of it.
            drop(state);
            _turn = self.turn();
            state = self.state_mut();
        }
        self.there()?;
        self.limits.admit(state.sessions(), read_write)?;
        if !read_write && state.user() == Some(User::Officer) {
            return Err(Rv::SessionReadWriteSoExists
                .because("the SO is logged in, with whom there are no read-only sessions (§5.6.1)"));
        }
        state.read_write += u64::from(read_write);
        state.sessions.insert(session, Seat { read_write, owned: BTreeSet::new() });
        Ok(())
    }

    /// A session closes, and its objects go; with the last one the login ends (§5.6.2).
    pub fn leave(&self, session: u64) {
        let mut state = self.state_mut();
        let Some(seat) = state.sessions.remove(&session) else { return };
        state.read_write -= u64::from(seat.read_write);
        for handle in seat.owned {
            state.objects.remove(&handle);
        }
        if state.sessions.is_empty() {
            self.end_login(&mut state);
        }
    }

    /// The token is taken away, which closes its sessions.
    pub(super) fn retire(&self) {
        let mut state = self.state_mut();
        self.retired.store(true, Ordering::Release);
        self.end_login(&mut state);
        *state = State::new(state.generation);
    }

    /// How many sessions this application has: all, and the read-write ones among them.
    pub fn sessions(&self) -> (u64, u64) {
        self.state().sessions()
    }

    /// Nobody is logged in any more: private handles, session objects and operations are void from here. False when
    /// nobody was.
    pub(super) fn end_login(&self, state: &mut State) -> bool {
        if state.login.take().is_none() {
            return false;
        }
        self.epoch.fetch_add(1, Ordering::AcqRel);
        state.forget_private();
        true
    }

    /// The token was initialised anew: nobody is logged in, and no handle is good.
    pub(super) fn forget(&self, generation: u64) {
        let mut state = self.state_mut();
        if state.generation != generation {
            state.generation = generation;
            state.open.clear();
            self.end_login(&mut state);
        }
    }
}

/// The refusal of what a session begins after its end.
fn closed() -> Error {
    Rv::SessionClosed.because("the session was closed in the meantime")
}

/// The refusal of a private object.
pub(super) fn private() -> Error {
    Rv::UserNotLoggedIn.because("the object is private (CKA_PRIVATE is CK_TRUE): the user must be logged in")
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Barrier;
    use std::thread;

    use crate::crypto::rng;
    use crate::cryptoki::Secret;
    use crate::cryptoki::ids::*;
    use crate::emulation::Emulation;
    use crate::object::{Birth, Value};
    use crate::store::{NewToken, Vault};

    use super::super::Limits;
    use super::*;

    const ACCESS: Access = Access { session: 1, read_write: true };
    const LABEL: [u8; 32] = [b' '; 32];

    fn pin() -> Secret {
        b"1234"[..].into()
    }

    /// A token in memory, and its read-write session 1.
    fn token() -> Token {
        let new = NewToken {
            label: LABEL,
            slot: 0,
            created: 0,
            so_pin: pin(),
            user_pin: Some(pin()),
            kdf_iterations: 1,
            so_tries: 3,
            user_tries: 3,
            pin_min: 4,
            pin_max: 8,
        };
        let vault = Vault::in_memory(&new, &rng::system).unwrap();
        let world = Arc::new(Emulation::new(None));
        let token = Token::new(PathBuf::new(), vault, world, Limits::default()).unwrap();
        token.enter(1, true).unwrap();
        token
    }

    fn opened() -> Token {
        let token = token();
        token.login(1, User::User, "", &pin()).unwrap();
        token
    }

    /// A login of session 1, with something that comes between proving and being let in.
    fn login(token: &Token, user: User, between: impl FnOnce()) -> Result<()> {
        let generation = token.may_login(1, user, "")?;
        let keys = Arc::new(token.prove(user.role(), &pin())?);
        between();
        token.admit(1, generation, Login { user, name: String::new(), keys })
    }

    fn refusal<T>(answer: Result<T>) -> Option<Rv> {
        answer.err().map(|error| error.rv())
    }

    fn data(private: bool) -> Attributes {
        let class = Attributes::default().with(CKA_CLASS, Value::Ulong(CKO_DATA));
        class.with(CKA_TOKEN, Value::Bool(false)).with(CKA_PRIVATE, Value::Bool(private))
    }

    fn make(token: &Token, attributes: Attributes) -> Result<u64> {
        token.make(ACCESS, attributes, Birth::Create)
    }

    #[test]
    fn a_session_that_closes_while_its_pin_is_tried_logs_nobody_in() {
        let token = token();
        assert_eq!(refusal(login(&token, User::User, || token.leave(1))), Some(Rv::SessionClosed));
        token.enter(2, true).unwrap();
        assert_eq!(token.user(), None);
        assert_eq!(refusal(token.login(1, User::User, "", &pin())), Some(Rv::SessionClosed));
    }

    #[test]
    fn a_read_only_session_that_opens_while_the_pin_is_tried_keeps_the_so_out() {
        let token = token();
        let answer = login(&token, User::Officer, || token.enter(2, false).unwrap());
        assert_eq!((refusal(answer), token.user()), (Some(Rv::SessionReadOnlyExists), None));
    }

    #[test]
    fn of_two_who_prove_at_once_the_first_is_let_in() {
        let token = token();
        let first = || login(&token, User::User, || ()).unwrap();
        assert_eq!(refusal(login(&token, User::User, first)), Some(Rv::UserAlreadyLoggedIn));
        token.logout().unwrap();
        assert_eq!(refusal(login(&token, User::Officer, first)), Some(Rv::UserAnotherAlreadyLoggedIn));
    }

    #[test]
    fn a_token_that_is_initialised_while_the_pin_is_tried_lets_nobody_in() {
        let token = token();
        let between = || token.vault.reset(&pin(), &LABEL, &rng::system).unwrap();
        assert_eq!(refusal(login(&token, User::Officer, between)), Some(Rv::DeviceRemoved));
        assert_eq!(token.login(1, User::Officer, "", &pin()), Ok(()));
    }

    #[test]
    fn the_first_session_waits_for_the_turn_of_init_token_and_others_for_nobody() {
        let token = token();
        let turn = token.turn();
        token.enter(2, true).unwrap();
        token.leave(1);
        token.leave(2);
        thread::scope(|scope| {
            let first = scope.spawn(|| token.enter(3, true));
            for _ in 0..10_000 {
                assert_eq!(token.sessions(), (0, 0));
                thread::yield_now();
            }
            drop(turn);
            assert_eq!(first.join().unwrap(), Ok(()));
        });
    }

    #[test]
    fn a_session_object_comes_to_be_only_in_an_open_session_and_a_private_one_in_a_login() {
        let token = opened();
        let object = |private| vec![Object::new(data(private))];
        let hold = |private| refusal(token.state_mut().hold(ACCESS, object(private)));
        assert_eq!((hold(true), hold(false)), (None, None));
        token.logout().unwrap();
        assert_eq!((hold(true), hold(false)), (Some(Rv::UserNotLoggedIn), None));
        token.enter(2, true).unwrap();
        token.leave(1);
        assert_eq!(hold(false), Some(Rv::SessionClosed));
        assert_eq!(refusal(make(&token, data(false))), Some(Rv::SessionClosed));
        assert_eq!(token.find(&Vec::new()), Ok(Vec::new()));
    }

    #[test]
    fn the_last_session_takes_the_login_along_and_every_session_its_objects() {
        let token = opened();
        let mine = make(&token, data(false)).unwrap();
        token.enter(2, false).unwrap();
        token.leave(1);
        assert_eq!(
            (refusal(token.object(mine)), token.user()),
            (Some(Rv::ObjectHandleInvalid), Some(User::User))
        );
        token.leave(2);
        token.leave(2);
        assert_eq!((token.sessions(), token.user(), token.epoch()), ((0, 0), None, 1));
    }

    #[test]
    fn a_private_session_object_is_for_the_user_only_and_ends_with_the_login() {
        let token = opened();
        let (private, public) = (make(&token, data(true)).unwrap(), make(&token, data(false)).unwrap());
        assert_eq!(token.find(&Vec::new()), Ok(vec![private, public]));
        let login = token.state_mut().login.take();
        assert_eq!(refusal(token.object(private)), Some(Rv::ObjectHandleInvalid));
        assert_eq!(token.find(&Vec::new()), Ok(vec![public]));
        token.state_mut().login = login;
        token.logout().unwrap();
        assert_eq!(token.state().objects.keys().copied().collect::<Vec<_>>(), [public]);
        assert_eq!(token.state().sessions[&1].owned, BTreeSet::from([public]));
    }

    #[test]
    fn a_token_that_is_taken_away_closes_its_sessions() {
        let token = opened();
        let object = make(&token, data(false)).unwrap();
        token.retire();
        assert_eq!((token.sessions(), token.user()), ((0, 0), None));
        assert_eq!(refusal(token.object(object)), Some(Rv::ObjectHandleInvalid));
        assert_eq!(refusal(token.enter(2, true)), Some(Rv::DeviceRemoved));
        assert_eq!(refusal(token.login(1, User::User, "", &pin())), Some(Rv::SessionClosed));
        token.leave(1);
    }

    #[test]
    fn what_another_process_initialised_is_seen_before_anything_is_told_or_made() {
        let stale = || {
            let token = opened();
            token.vault.reset(&pin(), &LABEL, &rng::system).unwrap();
            token
        };
        assert_eq!(stale().session_state(true), Ok(CKS_RW_PUBLIC_SESSION));
        assert_eq!(refusal(make(&stale(), data(true))), Some(Rv::UserNotLoggedIn));
        let stored = |private| data(private).with(CKA_TOKEN, Value::Bool(true));
        assert_eq!(refusal(make(&stale(), stored(true))), Some(Rv::UserNotLoggedIn));
        assert_eq!(refusal(make(&stale(), stored(false))), None);
        assert_eq!(refusal(stale().set_pin(&pin(), &pin())), Some(Rv::UserPinNotInitialized));
        assert_eq!(refusal(stale().prove_again("", &pin())), Some(Rv::UserNotLoggedIn));
    }

    #[test]
    fn who_has_no_try_left_for_one_use_is_logged_out() {
        let (token, wrong) = (opened(), b"0000"[..].into());
        for _ in 0..2 {
            assert_eq!(refusal(token.prove_again("", &wrong)), Some(Rv::PinIncorrect));
        }
        assert_eq!((token.prove_again("", &pin()), token.user()), (Ok(()), Some(User::User)));
        for _ in 0..2 {
            assert_eq!(refusal(token.prove_again("", &wrong)), Some(Rv::PinIncorrect));
        }
        assert_eq!(refusal(token.prove_again("", &wrong)), Some(Rv::PinLocked));
        assert_eq!((token.user(), token.epoch()), (None, 1));
    }

    #[test]
    fn a_change_does_not_bring_back_what_was_destroyed() {
        let token = opened();
        let label = |text: &[u8]| vec![(CKA_LABEL, Value::Bytes(text.to_vec()).to_given())];
        for _ in 0..500 {
            let (object, start) = (make(&token, data(true)).unwrap(), Barrier::new(2));
            thread::scope(|scope| {
                scope.spawn(|| {
                    start.wait();
                    _ = (0..1000).try_for_each(|_| token.change(ACCESS, object, &label(b"changed")));
                });
                start.wait();
                token.destroy(ACCESS, object).unwrap();
            });
            assert_eq!(refusal(token.object(object)), Some(Rv::ObjectHandleInvalid));
        }
    }

    #[test]
    fn when_one_of_several_objects_cannot_be_made_none_is() {
        let token = opened();
        let lasting = data(false).with(CKA_DESTROYABLE, Value::Bool(false));
        let stored = data(true).with(CKA_TOKEN, Value::Bool(true));
        let session = vec![Object::new(lasting.clone()), Object::new(stored.clone())];
        assert!(token.add(ACCESS, session).is_ok());
        // The keys of the login are void and nobody has looked yet, so that the store refuses.
        token.vault.reset(&pin(), &LABEL, &rng::system).unwrap();
        token.seen.store(token.vault.freshness().unwrap(), Ordering::Release);
        let before = token.state().objects.len();
        let both = vec![Object::new(lasting), Object::new(stored)];
        assert_eq!(refusal(token.add(ACCESS, both)), Some(Rv::DeviceRemoved));
        assert_eq!(token.state().objects.len(), before);
    }
}
