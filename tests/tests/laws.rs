//! Laws over the tables: what holds for every mechanism, every attribute, every sequence of calls, every function
//! with output. A new row is under the law without a new test.

use std::collections::BTreeSet;

use tests::{
    Answer, Gcm, Kind, Mechanism, Rv, Safe, Scene, Session, given, ids::*, keys, names, raw, room, template,
};
use tokenkeep::api::Call;
use tokenkeep::cryptoki::Room;
use tokenkeep::mechanism::{self, Choice, Params};
use tokenkeep::object::{Given, Template};

mod key_types {
    use tokenkeep::object::key::SECRET_TYPES;
    use tokenkeep::session::Kind as Work;

    use super::*;

    /// A key of each type and class that this token keeps: its type and its handle.
    fn all(call: &Call) -> Vec<(CK_KEY_TYPE, u64)> {
        let secret = |kind: &CK_KEY_TYPE| {
            let fits = |len: &usize| {
                let made = call.create(&given(&keys::secret(*kind, &vec![0x6b; *len])));
                made.ok()
            };
            let key = [32, 16, 24, 8].iter().find_map(fits);
            (*kind, key.unwrap_or_else(|| panic!("no length fits {}", names::key_type(*kind))))
        };
        let mut all: Vec<_> = SECRET_TYPES.iter().map(secret).collect();
        for (kind, template) in [
            (CKK_RSA, keys::rsa_public()),
            (CKK_RSA, keys::rsa_private()),
            (CKK_EC, keys::ec_public()),
            (CKK_EC, keys::ec_private()),
        ] {
            all.push((kind, call.create(&given(&template)).expect("a key")));
        }
        all
    }

    /// Whatever is wrong with the parameter: the type of the key is told first.
    fn bare(id: CK_MECHANISM_TYPE) -> Choice {
        Choice { id, params: Params::None }
    }

    #[test]
    fn a_key_of_the_wrong_type_is_refused_by_every_mechanism_in_every_use() {
        let safe = Safe::new();
        let call = safe.call();
        let keys = all(&call);
        let mut refused = 0;
        for row in mechanism::all() {
            for (kind, key) in keys.iter().filter(|(kind, _)| !row.keys.contains(kind)) {
                let say = |work: &str| format!("{work} {} with {}", row.name(), names::key_type(*kind));
                for work in Work::all().filter(|work| work.begin(row).is_some()) {
                    let answer = call.begin(work, &bare(row.id), Some(*key)).map_err(|error| error.rv());
                    assert_eq!(answer, Err(Rv::KeyTypeInconsistent), "{}", say(&format!("{work:?}")));
                    refused += 1;
                }
                if row.wrap.is_some() || row.whole {
                    let answer = call.wrap(&bare(row.id), *key, keys[0].1, Room::Query);
                    assert_eq!(answer.unwrap_err().rv(), Rv::WrappingKeyTypeInconsistent, "{}", say("wrap"));
                }
                if row.unwrap.is_some() || row.whole {
                    let wanted = given(&template![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_AES]);
                    let answer = call.unwrap(&bare(row.id), *key, &[0; 32], &wanted);
                    let rv = answer.unwrap_err().rv();
                    assert_eq!(rv, Rv::UnwrappingKeyTypeInconsistent, "{}", say("unwrap"));
                }
                if row.derive.is_some() {
                    let wanted = given(&template![CKA_VALUE_LEN => 16 as CK_ULONG]);
                    let answer = call.derive(&bare(row.id), *key, &wanted);
                    assert_eq!(answer.unwrap_err().rv(), Rv::KeyTypeInconsistent, "{}", say("derive"));
                }
            }
        }
        assert!(refused > 500, "only {refused} pairs: the law was not tried");
    }

    #[test]
    fn a_mechanism_refuses_what_it_does_not_offer() {
        let safe = Safe::new();
        let call = safe.call();
        let keys = all(&call);
        for row in mechanism::all() {
            for work in Work::all().filter(|work| work.begin(row).is_none() && *work != Work::Digest) {
                let answer = call.begin(work, &bare(row.id), Some(keys[0].1)).map_err(|error| error.rv());
                assert_eq!(answer, Err(Rv::MechanismInvalid), "{work:?} {}", row.name());
            }
        }
    }
}

mod attributes {
    use tokenkeep::object::attributes::Kind as Form;
    use tokenkeep::object::policy::{self, Birth, Sort};
    use tokenkeep::object::rules::{Change, Give, RULES, Rule};
    use tokenkeep::object::{Attributes, Value};

    use super::*;

    const BIRTHS: [Birth; 4] = [
        Birth::Create,
        Birth::Generate(CKM_AES_KEY_GEN),
        Birth::Unwrap,
        Birth::Derive { always_sensitive: false, never_extractable: false },
    ];

    fn column(rule: &Rule, birth: Birth) -> Give {
        match birth {
            Birth::Create => rule.create,
            Birth::Generate(_) => rule.generate,
            Birth::Unwrap => rule.unwrap,
            _ => rule.derive,
        }
    }

    /// Something of the right form.
    fn value(rule: &Rule) -> Given {
        Given::Bytes(match rule.kind {
            Form::Bool => vec![CK_FALSE].into(),
            Form::Ulong => (0 as CK_ULONG).to_ne_bytes().to_vec().into(),
            Form::Date => b"20260102"[..].into(),
            Form::Mechanisms => Vec::new().into(),
            Form::Template => return Given::Template(Vec::new()),
            _ => b"\x01value"[..].into(),
        })
    }

    /// Every sort of objects to which a rule applies before any other.
    fn sorts(rule: &'static Rule) -> Vec<Sort> {
        let kinds: BTreeSet<CK_ULONG> = RULES.iter().flat_map(|rule| rule.on.types).copied().collect();
        let all = rule.on.classes.iter().flat_map(|class| {
            kinds.iter().chain(&[0x7fff_0000]).map(|kind| Sort { class: *class, kind: *kind })
        });
        all.filter(|sort| policy::rule(rule.attribute, *sort).is_some_and(|first| std::ptr::eq(first, rule)))
            .collect()
    }

    /// Just what must be given.
    fn least(birth: Birth, sort: Sort) -> Template {
        let mine = |rule: &&'static Rule| {
            policy::rule(rule.attribute, sort).is_some_and(|first| std::ptr::eq(first, *rule))
        };
        let told = [CKA_CLASS, CKA_KEY_TYPE, CKA_CERTIFICATE_TYPE];
        RULES
            .iter()
            .filter(mine)
            .filter(|rule| column(rule, birth) == Give::Must && !told.contains(&rule.attribute))
            .map(|rule| (rule.attribute, value(rule)))
            .collect()
    }

    /// The attributes that say what an object is are the function's as much as the template's.
    fn says_what_it_is(rule: &Rule) -> bool {
        [CKA_CLASS, CKA_KEY_TYPE, CKA_CERTIFICATE_TYPE].contains(&rule.attribute)
    }

    #[test]
    fn every_row_is_the_rule_for_some_object() {
        for rule in RULES {
            assert!(!sorts(rule).is_empty(), "no object is under {}", names::attribute(rule.attribute));
        }
    }

    #[test]
    fn every_row_is_kept_at_every_birth() {
        let mut tried = 0;
        for rule in RULES.iter().filter(|rule| !says_what_it_is(rule)) {
            let name = names::attribute(rule.attribute);
            for (birth, sort) in BIRTHS.iter().flat_map(|b| sorts(rule).into_iter().map(move |s| (*b, s))) {
                tried += 1;
                let judged = |template: &Template| {
                    policy::judge(birth, sort, template, false).map(drop).map_err(|error| error.rv())
                };
                let mut without = least(birth, sort);
                without.retain(|(attribute, _)| *attribute != rule.attribute);
                let with = [without.clone(), vec![(rule.attribute, value(rule))]].concat();
                let say = format!("{name} {birth:?} {sort:?}");
                match column(rule, birth) {
                    Give::Must => {
                        assert_eq!(judged(&without), Err(Rv::TemplateIncomplete), "{say}");
                        assert_eq!(judged(&with), Ok(()), "{say}");
                    }
                    Give::May => {
                        assert_eq!(judged(&without), Ok(()), "{say}");
                        assert_eq!(judged(&with), Ok(()), "{say}");
                    }
                    Give::MustNot => {
                        let columns = [rule.create, rule.generate, rule.unwrap, rule.derive];
                        let never = columns.iter().all(|give| *give == Give::MustNot);
                        let refusal = if never { Rv::AttributeReadOnly } else { Rv::TemplateInconsistent };
                        assert_eq!(judged(&with), Err(refusal), "{say}");
                    }
                }
            }
        }
        assert!(tried > 1000, "only {tried} births");
    }

    /// What comes of a change to that value, by C_SetAttributeValue and by C_CopyObject.
    fn changed(before: &Attributes, rule: &Rule, to: &Value, officer: bool) -> [Result<(), Rv>; 2] {
        let template = vec![(rule.attribute, to.to_given())];
        [false, true].map(|copy| {
            policy::change(before, &template, copy, officer).map(drop).map_err(|error| error.rv())
        })
    }

    #[test]
    fn every_flag_changes_as_its_row_says() {
        let (no, yes) = (Err(Rv::AttributeReadOnly), Ok(()));
        let flags = |rule: &&Rule| rule.kind == Form::Bool && rule.attribute != CKA_MODIFIABLE;
        for rule in RULES.iter().filter(flags) {
            for sort in sorts(rule) {
                let mut before = Attributes::default()
                    .with(CKA_CLASS, Value::Ulong(sort.class))
                    .with(CKA_MODIFIABLE, Value::Bool(true))
                    .with(CKA_COPYABLE, Value::Bool(true));
                let kind = [(CKO_CERTIFICATE, CKA_CERTIFICATE_TYPE), (CKO_HW_FEATURE, CKA_HW_FEATURE_TYPE)];
                let attribute = kind.iter().find(|(class, _)| *class == sort.class);
                before.set(
                    attribute.map_or(CKA_KEY_TYPE, |(_, attribute)| *attribute),
                    Value::Ulong(sort.kind),
                );
                for from in [false, true] {
                    if rule.attribute == CKA_COPYABLE && !from {
                        continue; // then it cannot be copied at all
                    }
                    before.set(rule.attribute, Value::Bool(from));
                    let [set, copy] = changed(&before, rule, &Value::Bool(!from), false);
                    let expected = match (rule.change, from) {
                        (Change::Never, _) => [no, no],
                        (Change::Free, _) => [yes, yes],
                        (Change::ToTrue, false) | (Change::ToFalse, true) => [yes, yes],
                        (Change::ToTrue, true) | (Change::ToFalse, false) => [no, no],
                        (Change::Copy, _) | (Change::CopyToTrue, false) => [no, yes],
                        (Change::CopyToTrue, true) => [no, no],
                        (Change::ByOfficer, false) => [no, no],
                        // A trusted certificate is not for the user to change at all (§4.6.2).
                        (Change::ByOfficer, true) if sort.class == CKO_CERTIFICATE => {
                            [Err(Rv::ActionProhibited), yes]
                        }
                        (Change::ByOfficer, true) => [yes, yes],
                    };
                    let name = names::attribute(rule.attribute);
                    assert_eq!([set, copy], expected, "{name} from {from} of {sort:?}");
                    if rule.change == Change::ByOfficer {
                        let by_officer = changed(&before, rule, &Value::Bool(!from), true);
                        assert_eq!(by_officer, [yes, yes], "{name} by the SO");
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_guarded_is_guarded_in_every_row() {
        for rule in RULES.iter().filter(|rule| !rule.open) {
            for sort in sorts(rule) {
                for (sensitive, extractable) in [(true, true), (true, false), (false, false), (false, true)] {
                    let key = Attributes::default()
                        .with(CKA_CLASS, Value::Ulong(sort.class))
                        .with(CKA_KEY_TYPE, Value::Ulong(sort.kind))
                        .with(CKA_SENSITIVE, Value::Bool(sensitive))
                        .with(CKA_EXTRACTABLE, Value::Bool(extractable))
                        .with(rule.attribute, Value::Secret(b"secret"[..].into()));
                    let read = policy::read(&key, rule.attribute).map(drop).map_err(|error| error.rv());
                    let expected =
                        if sensitive || !extractable { Err(Rv::AttributeSensitive) } else { Ok(()) };
                    assert_eq!(read, expected, "{} {sort:?}", names::attribute(rule.attribute));
                }
            }
        }
    }
}

mod machine {
    use proptest::prelude::*;
    use tokenkeep::api::Kind as Work;
    use tokenkeep::cryptoki::Reply;

    use super::*;

    /// A call on a session.
    #[derive(Clone, Debug)]
    enum Step {
        Begin(usize),
        Single(usize, Vec<u8>, Space),
        Update(usize, Vec<u8>, Space),
        Finish(usize, Space),
        Cancel(usize),
        Save,
        Restore,
    }

    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Space {
        Query,
        None,
        Enough,
    }

    impl Space {
        fn room(self) -> Room {
            match self {
                Space::Query => Room::Query,
                Space::None => Room::Of(0),
                Space::Enough => Room::Of(4096),
            }
        }
    }

    /// The works that are tried; encryption is a stream, so that each byte gives a byte.
    const WORKS: [Work; 3] = [Work::Digest, Work::Sign, Work::Encrypt];
    const ENCRYPT: usize = 2;

    /// What the standard says an operation is.
    #[derive(Clone, Debug, Default, PartialEq)]
    enum Model {
        #[default]
        None,
        Ready,
        Streaming(Vec<u8>),
        Done(Vec<u8>),
    }

    /// What a call answers: a code, the length it tells, and the bytes it gives.
    type Said = Result<(usize, Option<Vec<u8>>, bool), Rv>;

    fn said(reply: tokenkeep::cryptoki::Result<Reply>) -> Said {
        match reply {
            Ok(Reply::Length(len)) => Ok((len, None, true)),
            Ok(Reply::TooSmall(len)) => Ok((len, None, false)),
            Ok(Reply::Data(data) | Reply::Pointing(data, _)) => {
                Ok((data.len(), Some(data.expose().to_vec()), true))
            }
            Err(error) => Err(error.rv()),
        }
    }

    /// The token, and beside it a session that does everything in one call.
    struct Bench {
        safe: Safe,
        other: u64,
        keys: [Option<u64>; 3],
    }

    impl Bench {
        fn new() -> Bench {
            let safe = Safe::new();
            let slot = safe.module.slots(true, false).expect("slots")[0];
            let other = safe.module.open_session(slot, CKF_SERIAL_SESSION).expect("a session");
            let key = |kind, value: &[u8]| {
                Some(safe.call().create(&given(&keys::secret(kind, value))).expect("a key"))
            };
            let keys = [None, key(CKK_GENERIC_SECRET, &[7; 32]), key(CKK_AES, &[9; 16])];
            Bench { safe, other, keys }
        }

        fn choice(work: usize) -> Choice {
            match WORKS[work] {
                Work::Digest => Choice { id: CKM_SHA256, params: Params::None },
                Work::Sign => Choice { id: CKM_SHA256_HMAC, params: Params::None },
                _ => Choice { id: CKM_AES_CTR, params: Params::Ctr { bits: 128, counter: [3; 16] } },
            }
        }

        fn begin(&self, call: &Call, work: usize) -> Result<(), Rv> {
            call.begin(WORKS[work], &Bench::choice(work), self.keys[work]).map_err(|error| error.rv())
        }

        /// The whole answer, by a session that never does anything else.
        fn whole(&self, work: usize, data: &[u8]) -> Vec<u8> {
            let call = self.safe.module.session(self.other).expect("a call");
            self.begin(&call, work).expect("begin");
            match call.single(WORKS[work], data, Room::Of(4096)) {
                Ok(Reply::Data(answer)) => answer.expose().to_vec(),
                other => panic!("{other:?}"),
            }
        }
    }

    /// Gives what is finished, as far as it fits.
    fn give(answer: Vec<u8>, space: Space) -> (Model, Said) {
        match space {
            Space::Query => (Model::Done(answer.clone()), Ok((answer.len(), None, true))),
            Space::None if !answer.is_empty() => {
                (Model::Done(answer.clone()), Ok((answer.len(), None, false)))
            }
            _ => (Model::None, Ok((answer.len(), Some(answer), true))),
        }
    }

    fn single(bench: &Bench, work: usize, model: &Model, data: &[u8], space: Space) -> (Model, Said) {
        match model {
            Model::None => (Model::None, Err(Rv::OperationNotInitialized)),
            Model::Streaming(_) => (Model::None, Err(Rv::OperationActive)),
            Model::Ready if space == Space::Query => {
                let len = if work == ENCRYPT { data.len() } else { 32 };
                (Model::Ready, Ok((len, None, true)))
            }
            Model::Ready => give(bench.whole(work, data), space),
            Model::Done(answer) => give(answer.clone(), space),
        }
    }

    fn update(bench: &Bench, work: usize, model: &Model, data: &[u8], space: Space) -> (Model, Said) {
        let before = match model {
            Model::None => return (Model::None, Err(Rv::OperationNotInitialized)),
            Model::Done(_) => return (Model::None, Err(Rv::OperationActive)),
            Model::Ready => Vec::new(),
            Model::Streaming(before) => before.clone(),
        };
        let needs = if work == ENCRYPT { data.len() } else { 0 };
        if space == Space::Query || space == Space::None && needs > 0 {
            return (model.clone(), Ok((needs, None, space == Space::Query)));
        }
        let all = [before.clone(), data.to_vec()].concat();
        let out = if work == ENCRYPT { bench.whole(work, &all).split_off(before.len()) } else { Vec::new() };
        (Model::Streaming(all), Ok((needs, Some(out), true)))
    }

    fn finish(bench: &Bench, work: usize, model: &Model, space: Space) -> (Model, Said) {
        let taken = match model {
            Model::None => return (Model::None, Err(Rv::OperationNotInitialized)),
            Model::Done(answer) => return give(answer.clone(), space),
            Model::Ready => Vec::new(),
            Model::Streaming(taken) => taken.clone(),
        };
        match (work, space) {
            (ENCRYPT, Space::Query) => (model.clone(), Ok((0, None, true))),
            (_, Space::Query) => (model.clone(), Ok((32, None, true))),
            (ENCRYPT, _) => give(Vec::new(), space),
            _ => give(bench.whole(work, &taken), space),
        }
    }

    /// What the session is doing, and what it has saved.
    #[derive(Default)]
    struct State {
        models: [Model; 3],
        saved: Option<(Vec<u8>, [Model; 3])>,
    }

    impl State {
        /// Takes one step in the token and in the model, and compares.
        fn take(&mut self, bench: &Bench, step: &Step) {
            let call = bench.safe.call();
            let (work, expected, found) = match step {
                Step::Begin(work) => {
                    let expected =
                        if self.models[*work] == Model::None { Ok(()) } else { Err(Rv::OperationActive) };
                    assert_eq!(bench.begin(&call, *work), expected);
                    if expected.is_ok() {
                        self.models[*work] = Model::Ready;
                    }
                    return;
                }
                Step::Cancel(work) => {
                    assert_eq!(call.cancel(WORKS[*work]), Ok(()));
                    self.models[*work] = Model::None;
                    return;
                }
                Step::Save => return self.save(&call),
                Step::Restore => return self.restore(&call),
                Step::Single(work, data, space) => (
                    *work,
                    single(bench, *work, &self.models[*work], data, *space),
                    call.single(WORKS[*work], data, space.room()),
                ),
                Step::Update(work, data, space) => (
                    *work,
                    update(bench, *work, &self.models[*work], data, *space),
                    call.update(WORKS[*work], data, space.room()),
                ),
                Step::Finish(work, space) => (
                    *work,
                    finish(bench, *work, &self.models[*work], *space),
                    call.finish(WORKS[*work], space.room()),
                ),
            };
            let (model, answer) = expected;
            assert_eq!(said(found), answer, "{step:?} on {:?}", self.models[work]);
            self.models[work] = model;
        }

        fn save(&mut self, call: &Call) {
            let active = self.models.iter().any(|model| *model != Model::None);
            let done = self.models.iter().any(|model| matches!(model, Model::Done(_)));
            let stuck = done || self.models[ENCRYPT] != Model::None;
            match call.operation_state(Room::Of(65_536)) {
                Ok(Reply::Data(state)) => {
                    assert!(active && !stuck);
                    self.saved = Some((state.expose().to_vec(), self.models.clone()));
                }
                Ok(reply) => panic!("{reply:?}"),
                Err(error) => {
                    let rv = if active { Rv::StateUnsaveable } else { Rv::OperationNotInitialized };
                    assert_eq!((error.rv(), active && !stuck), (rv, false));
                }
            }
        }

        fn restore(&mut self, call: &Call) {
            let Some((state, models)) = &self.saved else { return };
            assert_eq!(call.set_operation_state(state, None, None), Ok(()));
            self.models = models.clone();
        }
    }

    fn step() -> impl Strategy<Value = Step> {
        let work = || 0..WORKS.len();
        let data = || prop::collection::vec(any::<u8>(), 0..70);
        let space = || prop_oneof![1 => Just(Space::Query), 1 => Just(Space::None), 3 => Just(Space::Enough)];
        prop_oneof![
            4 => work().prop_map(Step::Begin),
            3 => (work(), data(), space()).prop_map(|(w, d, s)| Step::Single(w, d, s)),
            5 => (work(), data(), space()).prop_map(|(w, d, s)| Step::Update(w, d, s)),
            3 => (work(), space()).prop_map(|(w, s)| Step::Finish(w, s)),
            1 => work().prop_map(Step::Cancel),
            1 => Just(Step::Save),
            1 => Just(Step::Restore),
        ]
    }

    #[test]
    fn any_sequence_of_calls_is_answered_as_the_model_says() {
        let bench = Bench::new();
        let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(60) };
        proptest!(config, |(steps in prop::collection::vec(step(), 1..300))| {
            let mut state = State::default();
            steps.iter().for_each(|step| state.take(&bench, step));
            WORKS.iter().for_each(|work| bench.safe.call().cancel(*work).expect("cancel"));
        });
    }

    #[test]
    fn thousands_of_calls_in_one_session() {
        use proptest::strategy::ValueTree;
        let bench = Bench::new();
        let (mut state, mut runner) = (State::default(), proptest::test_runner::TestRunner::deterministic());
        for _ in 0..5000 {
            let step = step().new_tree(&mut runner).expect("a step").current();
            state.take(&bench, &step);
        }
    }
}

mod lengths {
    use super::*;

    /// A function with output: begun by the first, called by the second with so much room.
    type Case<'a> = (&'a str, Box<dyn Fn() + 'a>, Box<dyn Fn(Option<usize>) -> Answer + 'a>);

    const DATA: &[u8] = &[0x2a; 48];

    /// The functions of one session that follow §5.2, each where its length is known exactly.
    fn cases<'a>(scene: &'a Scene, session: Session<'a>) -> Vec<Case<'a>> {
        let c = scene.library.c();
        let h = session.handle;
        let (aes, secret, (_, rsa), (_, ec)) =
            (scene.aes(&[1; 16]), scene.secret(&[2; 32]), scene.rsa(), scene.ec());
        let pad = || Mechanism::bytes(CKM_AES_CBC_PAD, &[0; 16]);
        let cipher = session.encrypt(CKM_AES_ECB, aes, DATA).expect("encrypt");
        let (d, n) = (DATA.as_ptr().cast_mut(), DATA.len() as CK_ULONG);
        let begin = move |kind, mechanism: Mechanism, key| -> Box<dyn Fn() + 'a> {
            Box::new(move || session.begin(kind, mechanism.clone(), key).expect("begin"))
        };
        let stream = move |kind, mechanism: Mechanism, key| -> Box<dyn Fn() + 'a> {
            Box::new(move || {
                session.begin(kind, mechanism.clone(), key).expect("begin");
                assert_eq!(session.update(kind, &DATA[..20], Some(64)).rv, Rv::Ok);
            })
        };
        let single = move |kind| -> Box<dyn Fn(Option<usize>) -> Answer + 'a> {
            Box::new(move |size| session.single(kind, DATA, size))
        };
        let finish = move |kind| -> Box<dyn Fn(Option<usize>) -> Answer + 'a> {
            Box::new(move |size| session.finish(kind, size))
        };
        let dual = move |kind, mechanism: Mechanism, key, cipher: Kind| -> Box<dyn Fn() + 'a> {
            Box::new(move || {
                session.begin(kind, mechanism.clone(), key).expect("begin");
                session.begin(cipher, CKM_AES_ECB, aes).expect("begin");
            })
        };
        let gcm = || Mechanism::from(CKM_AES_GCM);
        let messages = move |kind, mechanism: Mechanism, key| -> Box<dyn Fn() + 'a> {
            Box::new(move || session.begin_messages(kind, Some(mechanism.clone()), key).expect("Init"))
        };
        vec![
            ("C_Encrypt", begin(Kind::Encrypt, pad(), aes), single(Kind::Encrypt)),
            (
                "C_EncryptUpdate",
                begin(Kind::Encrypt, CKM_AES_ECB.into(), aes),
                Box::new(move |size| session.update(Kind::Encrypt, DATA, size)),
            ),
            ("C_EncryptFinal", stream(Kind::Encrypt, pad(), aes), finish(Kind::Encrypt)),
            ("C_Decrypt", begin(Kind::Decrypt, CKM_AES_ECB.into(), aes), single(Kind::Decrypt)),
            (
                "C_DecryptUpdate",
                begin(Kind::Decrypt, CKM_AES_ECB.into(), aes),
                Box::new(move |size| session.update(Kind::Decrypt, &cipher, size)),
            ),
            ("C_Digest", begin(Kind::Digest, CKM_SHA384.into(), 0), single(Kind::Digest)),
            ("C_DigestFinal", stream(Kind::Digest, CKM_SHA384.into(), 0), finish(Kind::Digest)),
            ("C_Sign", begin(Kind::Sign, CKM_SHA256_RSA_PKCS.into(), rsa), single(Kind::Sign)),
            ("C_SignFinal", stream(Kind::Sign, CKM_ECDSA_SHA256.into(), ec), finish(Kind::Sign)),
            (
                "C_SignRecover",
                Box::new(move || {
                    let m = &mut CK_MECHANISM { mechanism: CKM_RSA_PKCS, ..Default::default() };
                    assert_eq!(raw!(c, C_SignRecoverInit(h, m, rsa)), Rv::Ok);
                }),
                Box::new(move |size| room(size, |p, l| raw!(c, C_SignRecover(h, d, n, p, l)))),
            ),
            (
                "C_DigestEncryptUpdate",
                dual(Kind::Digest, CKM_SHA256.into(), 0, Kind::Encrypt),
                Box::new(move |size| room(size, |p, l| raw!(c, C_DigestEncryptUpdate(h, d, n, p, l)))),
            ),
            (
                "C_DecryptDigestUpdate",
                dual(Kind::Digest, CKM_SHA256.into(), 0, Kind::Decrypt),
                Box::new(move |size| room(size, |p, l| raw!(c, C_DecryptDigestUpdate(h, d, n, p, l)))),
            ),
            (
                "C_SignEncryptUpdate",
                dual(Kind::Sign, CKM_SHA256_HMAC.into(), secret, Kind::Encrypt),
                Box::new(move |size| room(size, |p, l| raw!(c, C_SignEncryptUpdate(h, d, n, p, l)))),
            ),
            (
                "C_DecryptVerifyUpdate",
                dual(Kind::Verify, CKM_SHA256_HMAC.into(), secret, Kind::Decrypt),
                Box::new(move |size| room(size, |p, l| raw!(c, C_DecryptVerifyUpdate(h, d, n, p, l)))),
            ),
            (
                "C_WrapKey",
                Box::new(|| ()),
                Box::new(move |size| {
                    pad().lend(|m| room(size, |p, l| raw!(c, C_WrapKey(h, m, aes, secret, p, l))))
                }),
            ),
            (
                "C_WrapKeyAuthenticated",
                Box::new(|| ()),
                Box::new(move |size| {
                    session.wrap_authenticated(&mut Gcm::given(&[0; 12]), aes, secret, b"", size)
                }),
            ),
            (
                "C_GetOperationState",
                begin(Kind::Digest, CKM_SHA256.into(), 0),
                Box::new(move |size| room(size, |p, l| raw!(c, C_GetOperationState(h, p, l)))),
            ),
            (
                "C_EncryptMessage",
                messages(Kind::Encrypt, gcm(), aes),
                Box::new(move |size| {
                    session.crypt_message(Kind::Encrypt, &mut Gcm::given(&[0; 12]), b"", DATA, size)
                }),
            ),
            (
                "C_EncryptMessageNext",
                Box::new(move || {
                    session.begin_messages(Kind::Encrypt, Some(gcm()), aes).expect("Init");
                    session.begin_message(Kind::Encrypt, &mut Gcm::given(&[0; 12]), b"").expect("Begin");
                }),
                Box::new(move |size| {
                    session.next_message(Kind::Encrypt, &mut Gcm::given(&[0; 12]), DATA, size, true)
                }),
            ),
            (
                "C_SignMessage",
                messages(Kind::Sign, CKM_SHA256_HMAC.into(), secret),
                Box::new(move |size| session.sign_message(DATA, size)),
            ),
            (
                "C_SignMessageNext",
                Box::new(move || {
                    session.begin_messages(Kind::Sign, Some(CKM_SHA256_HMAC.into()), secret).expect("Init");
                    session.begin_sign_message().expect("Begin");
                }),
                Box::new(move |size| session.last_to_sign(DATA, size)),
            ),
        ]
    }

    #[test]
    fn every_function_with_output_tells_its_length_and_loses_nothing() {
        let scene = Scene::new();
        let session = scene.open();
        for (name, begin, call) in cases(&scene, session) {
            begin();
            let query = call(None);
            assert_eq!(query.rv, Rv::Ok, "{name} with NULL");
            assert!(query.length > 0, "{name}");
            for size in [0, query.length - 1] {
                let small = call(Some(size));
                assert_eq!(
                    (small.rv, small.length),
                    (Rv::BufferTooSmall, query.length),
                    "{name} with {size}"
                );
            }
            assert_eq!(call(None).length, query.length, "{name} with NULL again");
            let answer = call(Some(query.length + 3));
            assert_eq!((answer.rv, answer.length), (Rv::Ok, query.length), "{name}");
            let all = CK_FLAGS::MAX;
            session.cancel_session(all).expect("C_SessionCancel");
        }
    }

    #[test]
    fn a_list_tells_its_count_and_loses_nothing() {
        let scene = Scene::closed();
        let (c, slot) = (scene.library.c(), scene.slot);
        let mut count = 0;
        assert_eq!(raw!(c, C_GetMechanismList(slot, std::ptr::null_mut(), &mut count)), Rv::Ok);
        let (whole, mut list) = (count, vec![0; count as usize]);
        count -= 1;
        assert_eq!(raw!(c, C_GetMechanismList(slot, list.as_mut_ptr(), &mut count)), Rv::BufferTooSmall);
        assert_eq!((count, list.iter().all(|id| *id == 0)), (whole, true));
        assert_eq!(raw!(c, C_GetMechanismList(slot, list.as_mut_ptr(), &mut count)), Rv::Ok);
    }

    #[test]
    fn every_attribute_of_every_object_follows_the_protocol() {
        let scene = Scene::new();
        let session = scene.session();
        let ((rsa, _), (ec, private)) = (scene.rsa(), scene.ec());
        let own = session.find(&template![CKA_CLASS => CKO_PROFILE]).expect("find")[0];
        let others = [scene.object(&keys::certificate()), scene.aes(&[1; 16])];
        let types: BTreeSet<_> = names::ATTRIBUTES.iter().map(|(attribute, _)| *attribute).collect();
        for object in [rsa, ec, private, own].into_iter().chain(others) {
            for attribute in &types {
                let name = names::attribute(*attribute);
                let (rv, query) = session.read(object, &[(*attribute, None)]);
                let refusals = [Rv::AttributeTypeInvalid, Rv::AttributeSensitive];
                let Some(length) = query[0].length else {
                    assert!(refusals.contains(&rv), "{name}: {rv:?}");
                    continue;
                };
                assert_eq!(rv, Rv::Ok, "{name}");
                let (rv, exact) = session.read(object, &[(*attribute, Some(length))]);
                assert_eq!((rv, exact[0].length), (Rv::Ok, Some(length)), "{name}");
                if length > 0 {
                    let (rv, short) = session.read(object, &[(*attribute, Some(length - 1))]);
                    assert_eq!((rv, short[0].length), (Rv::BufferTooSmall, None), "{name}");
                }
            }
        }
    }
}
