//! The tables of a token file, and every statement on them.

use rusqlite::{Connection, OptionalExtension, Params, Row as Line, ToSql, params};

use super::fault::Fault;
use super::*;
use crate::cryptoki::Rv;

type Result<T> = std::result::Result<T, Fault>;

/// The whole schema, letter by letter as SQLite keeps it: a file with another one is not a token.
///
/// `vouch` stands before `body`, so that a look at a row's head never follows its overflow pages.
pub const SCHEMA: &[&str] = &[
    "CREATE TABLE token(one INTEGER PRIMARY KEY CHECK(one=1), serial TEXT NOT NULL, label BLOB NOT NULL, \
     slot INTEGER NOT NULL, generation INTEGER NOT NULL, created INTEGER NOT NULL, public_secret BLOB NOT NULL, \
     kdf_iterations INTEGER NOT NULL, pin_min INTEGER NOT NULL, pin_max INTEGER NOT NULL, \
     so_tries INTEGER NOT NULL, user_tries INTEGER NOT NULL, digest BLOB NOT NULL) STRICT",
    "CREATE TABLE pin(role TEXT PRIMARY KEY, salt BLOB NOT NULL, iterations INTEGER NOT NULL, \
     wrapped BLOB NOT NULL, tries_left INTEGER NOT NULL, tries_max INTEGER NOT NULL, \
     to_be_changed INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE setting(name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE object(handle INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE, \
     revision INTEGER NOT NULL, private INTEGER NOT NULL, vouch BLOB, body BLOB NOT NULL) STRICT",
    "CREATE INDEX object_private ON object(private)",
    "CREATE TABLE search(tag BLOB NOT NULL, object INTEGER NOT NULL, PRIMARY KEY(tag, object)) STRICT, WITHOUT ROWID",
    "CREATE INDEX search_object ON search(object)",
    "CREATE TABLE removed(item BLOB PRIMARY KEY) STRICT, WITHOUT ROWID",
];

const LOAD: &str = "SELECT t.generation, o.handle, o.id, o.revision, o.private, o.vouch, o.body \
                    FROM object o, token t WHERE o.handle=?1";
const ALL: &str = "SELECT t.generation, o.handle, o.id, o.revision, o.private, o.vouch, o.body \
                   FROM token t, object o ORDER BY o.handle";
const MARK: &str = "SELECT id, revision, private, vouch IS NOT NULL FROM object WHERE handle=?1";
const DEBIT: &str = "UPDATE pin SET tries_left=tries_left-1 WHERE role=?1 AND tries_left>0 \
                     RETURNING salt, iterations, wrapped";
const PUT_PIN: &str = "INSERT INTO pin VALUES(?1, ?2, ?3, ?4, ?5, ?5, 0) ON CONFLICT(role) DO UPDATE SET \
    salt=excluded.salt, iterations=excluded.iterations, wrapped=excluded.wrapped, \
    tries_left=excluded.tries_left, tries_max=excluded.tries_max, to_be_changed=0";

/// The file's own schema, apart from what SQLite adds by itself.
pub fn schema(c: &Connection) -> rusqlite::Result<Vec<String>> {
    let sql = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name<>'sqlite_sequence'";
    c.prepare(sql)?.query_map([], |line| line.get(0))?.collect()
}

// ---- token, pins, settings -------------------------------------------------------------------------------

pub fn header(c: &Connection) -> Result<Header> {
    let mut header = one(
        c,
        "SELECT serial, label, slot, generation, created, kdf_iterations, pin_min, pin_max, so_tries, user_tries \
         FROM token",
        [],
        |line| {
            Ok(Header {
                serial: line.get(0)?,
                label: line.get(1)?,
                slot: long(line, 2)?,
                generation: long(line, 3)?,
                created: long(line, 4)?,
                kdf_iterations: line.get(5)?,
                pin_min: line.get::<_, u32>(6)? as usize,
                pin_max: line.get::<_, u32>(7)? as usize,
                so_tries: line.get(8)?,
                user_tries: line.get(9)?,
                pins: Vec::new(),
            })
        },
    )?;
    let mut pins =
        c.prepare_cached("SELECT role, tries_left, tries_max, to_be_changed FROM pin ORDER BY role")?;
    let state = |line: &Line| {
        let (role, tries_left, tries_max) = (line.get(0)?, line.get(1)?, line.get(2)?);
        Ok(PinState { role, tries_left, tries_max, to_be_changed: line.get(3)? })
    };
    header.pins = pins.query_map([], state)?.collect::<rusqlite::Result<_>>()?;
    Ok(header)
}

pub fn seed(c: &Connection) -> Result<Seed> {
    Ok(one(c, "SELECT serial, generation, public_secret FROM token", [], |line| {
        let secret: [u8; 32] = line.get(2)?;
        Ok(Seed { serial: line.get(0)?, generation: long(line, 1)?, public_secret: secret.as_slice().into() })
    })?)
}

/// The first rows of a token, and also those of a token that begins again.
pub fn begin(c: &Connection, genesis: &Genesis) -> rusqlite::Result<()> {
    let h = &genesis.header;
    for table in ["object", "search", "removed", "pin", "token"] {
        c.execute(&format!("DELETE FROM {table}"), [])?;
    }
    c.execute(
        "INSERT INTO token VALUES(1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        params![
            h.serial,
            h.label,
            h.slot.cast_signed(),
            h.generation.cast_signed(),
            h.created.cast_signed(),
            genesis.public_secret,
            h.kdf_iterations,
            h.pin_min as i64,
            h.pin_max as i64,
            h.so_tries,
            h.user_tries,
            genesis.digest
        ],
    )?;
    for (role, lock) in &genesis.pins {
        let tries = if role == SO { h.so_tries } else { h.user_tries };
        c.execute(PUT_PIN, params![role, lock.salt, lock.iterations, lock.wrapped, tries])?;
    }
    Ok(())
}

pub fn set_label(c: &Connection, label: &[u8; 32]) -> Result<()> {
    run(c, "UPDATE token SET label=?1", [label]).map(drop)
}

pub fn set_slot(c: &Connection, slot: u64) -> Result<()> {
    run(c, "UPDATE token SET slot=?1", [slot.cast_signed()]).map(drop)
}

pub fn setting(c: &Connection, name: &str) -> Result<Option<String>> {
    Ok(one(c, "SELECT value FROM setting WHERE name=?1", [name], |line| line.get(0)).optional()?)
}

pub fn set_setting(c: &Connection, name: &str, value: Option<&str>) -> Result<()> {
    match value {
        Some(value) => run(c, "INSERT OR REPLACE INTO setting VALUES(?1, ?2)", [name, value]).map(drop),
        None => run(c, "DELETE FROM setting WHERE name=?1", [name]).map(drop),
    }
}

/// The setting that holds the monotonic counter.
pub const COUNTER: &str = "counter";

pub fn count(c: &Connection) -> Result<u64> {
    let last = setting(c, COUNTER)?.and_then(|count| count.parse().ok()).unwrap_or(0u64);
    let count = last.checked_add(1).ok_or_else(|| Rv::DeviceError.because("the counter is at its end"))?;
    set_setting(c, COUNTER, Some(&count.to_string()))?;
    Ok(count)
}

/// A PIN's lock without taking a try: only where no try can be stored.
pub fn peek(c: &Connection, role: &str) -> Result<(PinLock, u32)> {
    let sql = "SELECT salt, iterations, wrapped, tries_left FROM pin WHERE role=?1";
    let found = one(c, sql, [role], |line| Ok((pin_lock(line)?, line.get(3)?))).optional()?;
    found.ok_or_else(|| no_pin(role).into())
}

pub fn debit(c: &Connection, role: &str) -> Result<PinLock> {
    match one(c, DEBIT, [role], pin_lock).optional()? {
        Some(lock) => Ok(lock),
        None => peek(c, role).and_then(|_| Err(pin_locked(role).into())),
    }
}

/// No try is left.
pub fn pin_locked(role: &str) -> crate::cryptoki::Error {
    Rv::PinLocked.because(format!("the PIN of {role} is locked: no try is left"))
}

/// The role has no PIN.
pub fn no_pin(role: &str) -> crate::cryptoki::Error {
    Rv::UserPinNotInitialized.because(format!("the token has no PIN for {role}"))
}

pub fn credit(c: &Connection, role: &str, lock: &PinLock) -> Result<()> {
    run(c, "UPDATE pin SET tries_left=tries_max WHERE role=?1 AND salt=?2", params![role, lock.salt])
        .map(drop)
}

pub fn put_pin(
    c: &Connection,
    generation: u64,
    role: &str,
    lock: &PinLock,
    tries: Option<u32>,
) -> Result<()> {
    same_generation(c, generation)?;
    let so = "SELECT tries_max FROM pin WHERE role=?1 UNION ALL SELECT so_tries FROM token LIMIT 1";
    let other = "SELECT tries_max FROM pin WHERE role=?1 UNION ALL SELECT user_tries FROM token LIMIT 1";
    let tries = match tries {
        Some(tries) => tries,
        None => one(c, if role == SO { so } else { other }, [role], |line| line.get(0))?,
    };
    run(c, PUT_PIN, params![role, lock.salt, lock.iterations, lock.wrapped, tries]).map(drop)
}

pub fn remove_pin(c: &Connection, generation: u64, role: &str) -> Result<()> {
    same_generation(c, generation)?;
    match run(c, "DELETE FROM pin WHERE role=?1", [role])? {
        0 => Err(no_pin(role).into()),
        _ => Ok(()),
    }
}

pub fn expire_pin(c: &Connection, role: &str, to_be_changed: bool) -> Result<()> {
    match run(c, "UPDATE pin SET to_be_changed=?2 WHERE role=?1", params![role, to_be_changed])? {
        0 => Err(no_pin(role).into()),
        _ => Ok(()),
    }
}

/// Refuses to go on with the keys of an earlier initialisation.
pub fn same_generation(c: &Connection, generation: u64) -> Result<()> {
    match one(c, "SELECT generation FROM token", [], |line| long(line, 0))? {
        now if now == generation => Ok(()),
        _ => Err(renewed().into()),
    }
}

/// The token was initialised again since the keys were made.
pub fn renewed() -> crate::cryptoki::Error {
    Rv::DeviceRemoved.because("the token was initialised again in the meantime")
}

// ---- objects ---------------------------------------------------------------------------------------------

pub fn load(c: &Connection, handle: u64) -> Result<Option<Row>> {
    Ok(one(c, LOAD, [handle.cast_signed()], whole).optional()?)
}

pub fn head(c: &Connection, handle: u64) -> Result<Option<(u64, bool)>> {
    let sql = "SELECT revision, private FROM object WHERE handle=?1";
    Ok(one(c, sql, [handle.cast_signed()], |line| Ok((long(line, 0)?, line.get(1)?))).optional()?)
}

/// How many tags one statement looks for: SQLite joins 64 tables at most.
const JOINED: usize = 32;

/// The search for so many tags: a range of the first tag's rows, each probed for the others, in that order.
pub fn find_sql(tags: usize) -> String {
    if tags == 0 {
        return "SELECT handle FROM object WHERE private=?1 ORDER BY handle".into();
    }
    let probe = |n| format!(" CROSS JOIN search s{n} ON s{n}.tag=?{n} AND s{n}.object=s1.object");
    let probes: String = (2..=tags).map(probe).collect();
    format!("SELECT s1.object FROM search s1{probes} WHERE s1.tag=?1 ORDER BY s1.object")
}

/// The generation is read last: tags of another generation find nothing, so when it is the caller's, the
/// handles are the caller's too, without a transaction.
pub fn find(c: &Connection, tags: &[Tag], private: bool) -> Result<Found> {
    let search = |count: usize, values: &[&dyn ToSql]| -> Result<Vec<u64>> {
        let mut search = c.prepare_cached(&find_sql(count))?;
        Ok(search.query_map(values, |line| long(line, 0))?.collect::<rusqlite::Result<_>>()?)
    };
    let mut parts = tags.chunks(JOINED).map(|part| {
        let values: Vec<&dyn ToSql> = part.iter().map(|tag| tag as &dyn ToSql).collect();
        search(part.len(), &values)
    });
    let mut handles = parts.next().unwrap_or_else(|| search(0, &[&private]))?;
    for part in parts {
        let part = part?;
        handles.retain(|handle| part.binary_search(handle).is_ok());
    }
    let generation = one(c, "SELECT generation FROM token", [], |line| long(line, 0))?;
    Ok(Found { generation, handles })
}

pub fn mark(c: &Connection, handle: u64) -> Result<Option<Mark>> {
    let found = one(c, MARK, [handle.cast_signed()], |line| {
        let (id, private, vouched) = (line.get(0)?, line.get(2)?, line.get(3)?);
        Ok(Mark { id, revision: long(line, 1)?, private, vouched, tags: Vec::new() })
    });
    let Some(mut mark) = found.optional()? else { return Ok(None) };
    mark.tags = tags(c, handle)?;
    Ok(Some(mark))
}

fn tags(c: &Connection, handle: u64) -> Result<Vec<Tag>> {
    let mut search = c.prepare_cached("SELECT tag FROM search WHERE object=?1 ORDER BY tag")?;
    Ok(search.query_map([handle.cast_signed()], |line| line.get(0))?.collect::<rusqlite::Result<_>>()?)
}

pub fn write(c: &Connection, generation: u64, changes: &[Change], amend: Option<&Amend>) -> Result<Vec<u64>> {
    same_generation(c, generation)?;
    let mut handles = Vec::with_capacity(changes.len());
    let mut before = Vec::with_capacity(changes.len());
    for change in changes {
        let old = match change.target() {
            Some(handle) => Some(mark(c, handle)?.ok_or_else(|| gone(handle))?),
            None => None,
        };
        change.allowed(old.as_ref(), amend.is_some())?;
        if let Some(item) = old.as_ref().filter(|old| old.counted() && amend.is_none()).map(Mark::item) {
            run(c, "INSERT OR IGNORE INTO removed VALUES(?1)", [item])?;
        }
        handles.push(apply(c, change, old.as_ref())?);
        before.push(old);
    }
    if let Some(amend) = amend {
        let digest: Vec<u8> = one(c, "SELECT digest FROM token", [], |line| line.get(0))?;
        run(c, "UPDATE token SET digest=?1", [amend(&digest, &before)?])?;
    }
    Ok(handles)
}

/// No such row.
pub fn gone(handle: u64) -> crate::cryptoki::Error {
    Rv::ObjectHandleInvalid.because(format!("the token has no object {handle}"))
}

fn apply(c: &Connection, change: &Change, old: Option<&Mark>) -> Result<u64> {
    match change {
        Change::Insert(row) => {
            let sql = "INSERT INTO object(id, revision, private, vouch, body) VALUES(?1, ?2, ?3, ?4, ?5)";
            run(c, sql, params![row.id, row.revision.cast_signed(), row.private, row.vouch, row.body])?;
            let handle = c.last_insert_rowid().cast_unsigned();
            tag(c, handle, &Mark::from(row).tags)?;
            Ok(handle)
        }
        Change::Replace { handle, row } => {
            let sql = "UPDATE object SET revision=?2, private=?3, vouch=?4, body=?5 WHERE handle=?1";
            let at = handle.cast_signed();
            run(c, sql, params![at, row.revision.cast_signed(), row.private, row.vouch, row.body])?;
            let mark = Mark::from(row);
            if old.is_none_or(|old| old.tags != mark.tags) {
                run(c, "DELETE FROM search WHERE object=?1", [at])?;
                tag(c, *handle, &mark.tags)?;
            }
            Ok(*handle)
        }
        Change::Remove { handle } => {
            run(c, "DELETE FROM search WHERE object=?1", [handle.cast_signed()])?;
            run(c, "DELETE FROM object WHERE handle=?1", [handle.cast_signed()])?;
            Ok(*handle)
        }
        Change::Vouch { handle, vouch, .. } => {
            run(c, "UPDATE object SET vouch=?2 WHERE handle=?1", params![handle.cast_signed(), vouch])?;
            Ok(*handle)
        }
        Change::Forget { item } => run(c, "DELETE FROM removed WHERE item=?1", [item]).map(|_| 0),
    }
}

fn tag(c: &Connection, handle: u64, tags: &[Tag]) -> Result<()> {
    let mut insert = c.prepare_cached("INSERT INTO search VALUES(?1, ?2)")?;
    tags.iter()
        .try_for_each(|tag| insert.execute(params![tag, handle.cast_signed()]).map(drop))
        .map_err(Fault::from)
}

pub fn survey(c: &Connection, visit: &mut dyn FnMut(Row, Mark) -> super::Result<()>) -> Result<Ledger> {
    let mut complaints = texts(c, "PRAGMA integrity_check")?;
    complaints.retain(|line| line != "ok");
    complaints.extend(texts(
        c,
        "SELECT 'a search row points to object ' || object || ', which is not there' FROM search \
         WHERE object NOT IN (SELECT handle FROM object)",
    )?);
    let mut all = c.prepare(ALL)?;
    for row in all.query_map([], whole)? {
        let row = row?;
        let (id, revision, private, vouched) = (row.id, row.revision, row.private, row.vouch.is_some());
        let tags = tags(c, row.handle)?;
        visit(row, Mark { id, revision, private, vouched, tags })?;
    }
    let (generation, digest) =
        one(c, "SELECT generation, digest FROM token", [], |line| Ok((long(line, 0)?, line.get(1)?)))?;
    let mut items = c.prepare("SELECT item FROM removed ORDER BY item")?;
    let removed = items.query_map([], |line| line.get(0))?.collect::<rusqlite::Result<_>>()?;
    Ok(Ledger { generation, digest, removed, complaints })
}

// ---- small words -----------------------------------------------------------------------------------------

fn whole(line: &Line) -> rusqlite::Result<Row> {
    Ok(Row {
        generation: long(line, 0)?,
        handle: long(line, 1)?,
        id: line.get(2)?,
        revision: long(line, 3)?,
        private: line.get(4)?,
        vouch: line.get(5)?,
        body: line.get(6)?,
    })
}

fn pin_lock(line: &Line) -> rusqlite::Result<PinLock> {
    Ok(PinLock { salt: line.get(0)?, iterations: line.get(1)?, wrapped: line.get(2)? })
}

/// SQLite's integers are signed; ours are the same 64 bits.
fn long(line: &Line, column: usize) -> rusqlite::Result<u64> {
    line.get::<_, i64>(column).map(i64::cast_unsigned)
}

fn one<T>(
    c: &Connection,
    sql: &str,
    values: impl Params,
    read: impl FnOnce(&Line) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    c.prepare_cached(sql)?.query_row(values, read)
}

fn run(c: &Connection, sql: &str, values: impl Params) -> Result<usize> {
    Ok(c.prepare_cached(sql)?.execute(values)?)
}

fn texts(c: &Connection, sql: &str) -> Result<Vec<String>> {
    Ok(c.prepare(sql)?.query_map([], |line| line.get(0))?.collect::<rusqlite::Result<_>>()?)
}
