//! What is to be made of the items: labels, IDs, policy, and what is there already.

use tokenkeep::api::Call;
use tokenkeep::crypto::spki::usual_id;
use tokenkeep::cryptoki::ids::*;
use tokenkeep::cryptoki::names;
use tokenkeep::object::{Attributes, Given, Template, Value};

use super::item::Item;
use crate::commands::objects::{bytes, number, stored};
use crate::paint::plain;
use crate::problem::{Problem, Result};

/// What the command line says of all objects.
pub struct Wishes {
    pub label: Option<String>,
    pub id: Option<Vec<u8>>,
    pub sensitive: bool,
    pub extractable: bool,
    pub force: bool,
}

/// An object to be made.
pub struct Step {
    pub template: Template,
    pub replaces: Option<u64>,
    pub class: CK_OBJECT_CLASS,
    pub kind: Option<CK_KEY_TYPE>,
    pub label: String,
    pub id: Vec<u8>,
    pub file: String,
}

/// What is to be done.
pub struct Plan {
    pub steps: Vec<Step>,
    /// Keys and certificates of the token without an ID: the one they get, which is that of what comes to them.
    pub ids: Vec<(u64, Vec<u8>)>,
    /// What the token has already, and keeps.
    pub there: Vec<String>,
}

/// An object of the token.
struct Existing {
    handle: u64,
    class: CK_OBJECT_CLASS,
    label: String,
    id: Vec<u8>,
    belongs: Option<Vec<u8>>,
    value: Vec<u8>,
}

/// Many refusals are told by the first few.
const TOLD: usize = 5;

/// Settles what is to be made.
///
/// # Errors
/// Objects that are there already, `--label` or `--id` for more than one key.
pub fn plan(call: &Call<'_>, items: Vec<Item>, wishes: &Wishes) -> Result<Plan> {
    let items = merged(items);
    single(&items, wishes)?;
    let existing = existing(call)?;
    let (mut plan, mut refused) =
        (Plan { steps: Vec::new(), ids: Vec::new(), there: Vec::new() }, Vec::new());
    for item in &items {
        let (label, id) = (label(item, &items, &existing, wishes), id(item, &items, &existing, wishes));
        let same = existing.iter().find(|other| other.is(item, &label, &id));
        let name = |other: &Existing| format!("{} {:?}", words(other.class), other.label);
        match same {
            Some(other) if item.is_authority() || (item.companion && !wishes.force) => {
                plan.there.push(name(other));
            }
            Some(other) if !wishes.force => refused.push(name(other)),
            other => {
                let kin = existing.iter().filter(|kin| kin.is_nameless_kin(item));
                plan.ids.extend(kin.map(|kin| (kin.handle, id.clone())));
                plan.steps.push(step(item, label, id, wishes, other.map(|other| other.handle)));
            }
        }
    }
    match refused.len() {
        0 => {
            plan.ids.retain(|(handle, _)| plan.steps.iter().all(|step| step.replaces != Some(*handle)));
            plan.ids.sort();
            plan.ids.dedup_by_key(|(handle, _)| *handle);
            Ok(plan)
        }
        number => {
            let more = if number > TOLD { format!(" and {} more", number - TOLD) } else { String::new() };
            refused.truncate(TOLD);
            Err(Problem::new(format!("the token has already: {}{more}", refused.join(", ")))
                .advise("--force puts the new ones in their place"))
        }
    }
}

/// Each object once, whatever files it stands in.
fn merged(items: Vec<Item>) -> Vec<Item> {
    let mut kept: Vec<Item> = Vec::with_capacity(items.len());
    let mut places = std::collections::HashMap::new();
    for item in items {
        let place = match item.class() {
            // Another token may have a key twice, under two names.
            _ if item.is_whole() => None,
            CKO_CERTIFICATE => item.attributes.bytes(CKA_VALUE).map(<[u8]>::to_vec),
            CKO_PUBLIC_KEY | CKO_PRIVATE_KEY => item.belongs.clone(),
            _ => None,
        };
        let place = place.map(|place| *places.entry((item.class(), place)).or_insert(kept.len()));
        match place.and_then(|place| kept.get_mut(place)) {
            Some(same) => {
                same.companion |= item.companion;
                same.name = same.name.take().or(item.name);
            }
            None => kept.push(item),
        }
    }
    kept
}

/// Whether a label or an ID can be meant for what is there.
fn single(items: &[Item], wishes: &Wishes) -> Result<()> {
    let mut named: Vec<_> =
        items.iter().filter(|item| named(item, items)).map(|item| &item.belongs).collect();
    let secrets = items.iter().filter(|item| item.class() == CKO_SECRET_KEY).count();
    named.sort();
    named.dedup();
    let number = named.len() + secrets.saturating_sub(1);
    match (wishes.label.is_some() || wishes.id.is_some()) && number > 1 {
        true => Err(Problem::new(format!("--label and --id are for one key: here are {number}"))
            .advise("import the files one by one, or without --label and --id")),
        false => Ok(()),
    }
}

/// Whether the user's label and ID are for this item: not for the authorities beside a key.
fn named(item: &Item, items: &[Item]) -> bool {
    let keyed = |class| items.iter().any(|other| other.class() == class && other.belongs == item.belongs);
    !item.is_authority() || keyed(CKO_PRIVATE_KEY) || items.iter().all(Item::is_authority)
}

fn existing(call: &Call<'_>) -> Result<Vec<Existing>> {
    let look = |handle| {
        let class = number(call, handle, CKA_CLASS)?.unwrap_or(CKO_DATA);
        let value = match class {
            CKO_CERTIFICATE | CKO_DATA => bytes(call, handle, CKA_VALUE)?,
            _ => Vec::new(),
        };
        Ok(Existing {
            handle,
            class,
            label: String::from_utf8_lossy(&bytes(call, handle, CKA_LABEL)?).into_owned(),
            id: bytes(call, handle, CKA_ID)?,
            belongs: usual_id(&bytes(call, handle, CKA_PUBLIC_KEY_INFO)?),
            value,
        })
    };
    stored(call)?.into_iter().map(look).collect()
}

impl Existing {
    /// Whether it belongs to the same key, and has no ID to tell so.
    fn is_nameless_kin(&self, item: &Item) -> bool {
        self.id.is_empty() && self.belongs.is_some() && self.belongs == item.belongs
    }

    /// Whether it is the same object as the item would be.
    fn is(&self, item: &Item, label: &str, id: &[u8]) -> bool {
        self.class == item.class()
            && (!item.is_whole() || (self.label == label && self.id == id))
            && match self.class {
                CKO_CERTIFICATE => Some(&self.value[..]) == item.attributes.bytes(CKA_VALUE),
                CKO_PUBLIC_KEY | CKO_PRIVATE_KEY => self.belongs.is_some() && self.belongs == item.belongs,
                CKO_DATA => {
                    self.label == label && self.value == item.attributes.bytes(CKA_VALUE).unwrap_or_default()
                }
                _ => self.label == label && self.id == id,
            }
    }
}

/// What the user, the item, its key or certificate, the token, and the file's name say: the first that says something.
fn label(item: &Item, items: &[Item], existing: &[Existing], wishes: &Wishes) -> String {
    if let Some(label) = wishes.label.as_ref().filter(|_| named(item, items)) {
        return label.clone();
    }
    if item.is_whole() {
        return String::from_utf8_lossy(item.attributes.bytes(CKA_LABEL).unwrap_or_default()).into_owned();
    }
    let family = || items.iter().filter(|other| item.belongs.is_some() && other.belongs == item.belongs);
    let known = || existing.iter().find(|other| item.belongs.is_some() && other.belongs == item.belongs);
    let stem = || {
        let name = std::path::Path::new(&item.file).file_stem();
        name.map(|name| name.to_string_lossy().into_owned())
    };
    item.name
        .clone()
        .or_else(|| family().find_map(|other| other.name.clone()))
        .or_else(|| known().map(|other| other.label.clone()).filter(|label| !label.is_empty()))
        .or_else(|| item.common_name.clone())
        .or_else(|| family().find_map(|other| other.common_name.clone()))
        .or_else(stem)
        .unwrap_or_default()
}

/// What the user says, what the token calls its key or certificate, or the SHA-1 of the public value.
fn id(item: &Item, items: &[Item], existing: &[Existing], wishes: &Wishes) -> Vec<u8> {
    let given = item.attributes.of(CKA_ID);
    let given = given.map(|_| item.attributes.bytes(CKA_ID).unwrap_or_default().to_vec());
    let user = wishes.id.clone().filter(|_| named(item, items));
    let known = existing
        .iter()
        .find(|other| item.belongs.is_some() && other.belongs == item.belongs && !other.id.is_empty());
    user.or(given)
        .or_else(|| known.map(|other| other.id.clone()))
        .or_else(|| item.belongs.clone())
        .unwrap_or_default()
}

fn step(item: &Item, label: String, id: Vec<u8>, wishes: &Wishes, replaces: Option<u64>) -> Step {
    let mut attributes: Attributes = item.attributes.clone().with(CKA_TOKEN, Value::Bool(true));
    // A label that is no UTF-8 stays as it is.
    if attributes.of(CKA_LABEL).is_none() {
        attributes.set(CKA_LABEL, Value::Bytes(label.clone().into_bytes()));
    }
    if item.class() != CKO_DATA && !id.is_empty() {
        attributes.set(CKA_ID, Value::Bytes(id.clone()));
    }
    if matches!(item.class(), CKO_PRIVATE_KEY | CKO_SECRET_KEY) {
        for (attribute, wish) in [(CKA_SENSITIVE, wishes.sensitive), (CKA_EXTRACTABLE, wishes.extractable)] {
            if attributes.of(attribute).is_none() {
                attributes.set(attribute, Value::Bool(wish));
            }
        }
    }
    let kind = attributes.ulong(CKA_KEY_TYPE);
    let template: Vec<(CK_ATTRIBUTE_TYPE, Given)> =
        attributes.iter().map(|(attribute, value)| (attribute, value.to_given())).collect();
    Step { template, replaces, class: item.class(), kind, label, id, file: item.file.clone() }
}

/// A class, as people say it.
pub fn words(class: CK_OBJECT_CLASS) -> String {
    plain(names::class(class).trim_start_matches("CKO_").to_lowercase().replace('_', " ").as_bytes())
}
