//! The roll: which credentials each Account has, kept up to date by the watches. A limit asks it for a place, and the
//! Account's status for numbers, without looking at ten thousand objects.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;

use super::{guarded::Guarded, queue::Key, slim::Slim};
use crate::{
    api::{State, Tally},
    core::{
        limit::{Quota, Sort},
        line::{Age, Line},
    },
};

#[derive(Default)]
pub struct Roll(Mutex<Accounts>);

/// By namespace and name of the Account, which need not exist.
type Accounts = HashMap<(Box<str>, Box<str>), Holdings>;

#[derive(Default)]
struct Holdings {
    /// By kind and name.
    members: BTreeMap<(&'static str, Arc<str>), Member>,
    /// Only for an Account of whose limits somebody asked.
    lines: Option<HashMap<Sort, Line>>,
}

#[derive(Clone)]
struct Member {
    age: Age,
    service: Option<Box<str>>,
    issued: bool,
    state: Option<State>,
}

/// A credential by its Account.
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    pub namespace: &'a str,
    pub account: &'a str,
    pub kind: &'static str,
    pub name: &'a str,
}

/// What an Account has.
#[derive(Default)]
pub struct Survey {
    /// By kind.
    pub tallies: BTreeMap<&'static str, Tally>,
    /// Kind and name.
    pub first: Vec<(&'static str, Arc<str>)>,
}

/// A limit that is reached.
pub struct Full {
    pub quota: Quota,
    /// How many there are of its sort.
    pub there: usize,
}

impl Roll {
    /// A credential as the watch shows it; who may take a place that became free by it.
    pub fn see<K>(&self, kind: &'static str, object: &Guarded<K>) -> Vec<Key> {
        let Some(entry) = Entry::new(kind, object) else { return Vec::new() };
        let meta = &object.meta;
        if meta.deletion_timestamp.is_some() {
            return self.gone(entry);
        }
        let name: Arc<str> = entry.name.into();
        let age = Age {
            created: meta.creation_timestamp.unwrap_or(Timestamp::MIN),
            uid: meta.uid.clone().into(),
            name: name.clone(),
        };
        let mut all = self.lock();
        let holdings = all.entry(entry.of()).or_default();
        let other_life = holdings.members.get(&(kind, name.clone())).is_some_and(|before| before.age != age);
        let called = if other_life { holdings.remove(entry) } else { Vec::new() };
        let member =
            Member { age, service: object.service.clone(), issued: object.issued, state: object.state };
        holdings.put(kind, name, member);
        called
    }

    /// Whether any credential refers to this Account.
    pub fn has(&self, namespace: &str, account: &str) -> bool {
        self.lock().contains_key(&(namespace.into(), account.into()))
    }

    /// The watch says that it is gone.
    pub fn forget<K>(&self, kind: &'static str, object: &Guarded<K>) -> Vec<Key> {
        Entry::new(kind, object).map_or_else(Vec::new, |entry| self.gone(entry))
    }

    /// A credential that is gone or going; who may take its place.
    fn gone(&self, entry: Entry<'_>) -> Vec<Key> {
        let mut all = self.lock();
        let Some(holdings) = all.get_mut(&entry.of()) else { return Vec::new() };
        let called = holdings.remove(entry);
        if holdings.members.is_empty() {
            all.remove(&entry.of());
        }
        called
    }

    /// Asks for a place under each of these limits, and takes it; one that was taken and not used yet is asked for anew,
    /// because the limit may have fallen. None for who is not on the roll. `published` gives the uids of those who have a
    /// Secret: when the operator starts, status may not say so yet.
    pub fn take_place(
        &self,
        entry: Entry<'_>,
        quotas: Vec<Quota>,
        published: impl FnOnce() -> HashSet<String>,
    ) -> Option<Result<(), Full>> {
        let mut all = self.lock();
        let holdings = all.get_mut(&entry.of())?;
        let member = holdings.members.get(&entry.key())?.clone();
        if member.issued {
            return Some(Ok(()));
        }
        let lines = holdings.lines(published);
        let has_place = |quota: &Quota| match lines.get(&quota.sort) {
            Some(line) => line.has_place(&member.age, quota.most),
            None => quota.most > 0,
        };
        let Some(quota) = quotas.into_iter().find(|quota| !has_place(quota)) else {
            member.in_lines(entry.kind, lines, |line| line.sit(&member.age));
            return Some(Ok(()));
        };
        let line = lines.entry(quota.sort.clone()).or_default();
        line.refuse(&member.age);
        Some(Err(Full { there: line.len(), quota }))
    }

    /// Gives back a place that was taken and not used; who may take it.
    pub fn give_back(&self, entry: Entry<'_>) -> Vec<Key> {
        let mut all = self.lock();
        let Some(Holdings { members, lines: Some(lines) }) = all.get_mut(&entry.of()) else {
            return Vec::new();
        };
        let Some(member) = members.get(&entry.key()).filter(|member| !member.issued) else {
            return Vec::new();
        };
        let mut called = Vec::new();
        member.in_lines(entry.kind, lines, |line| {
            if line.stand(&member.age) {
                called.extend(line.call());
            }
        });
        called.iter().map(|age| entry.beside(age)).collect()
    }

    /// How many credentials of each kind an Account has, and the first of them by kind and name.
    pub fn survey(&self, namespace: &str, account: &str, most: usize) -> Survey {
        let mut survey = Survey::default();
        let all = self.lock();
        let Some(holdings) = all.get(&(namespace.into(), account.into())) else { return survey };
        for ((kind, _), member) in &holdings.members {
            count(survey.tallies.entry(kind).or_default(), member.state);
        }
        survey.first = holdings.members.keys().take(most).cloned().collect();
        survey
    }

    fn lock(&self) -> MutexGuard<'_, Accounts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn count(tally: &mut Tally, state: Option<State>) {
    let Tally { total, live, withheld, expired, revoked, pending } = tally;
    *total += 1;
    *match state {
        Some(State::Live) => live,
        Some(State::Withheld) => withheld,
        Some(State::Expired) => expired,
        Some(State::Revoked) => revoked,
        None => pending,
    } += 1;
}

impl Holdings {
    fn put(&mut self, kind: &'static str, name: Arc<str>, member: Member) {
        if let Some(lines) = &mut self.lines {
            member.in_lines(kind, lines, |line| match member.issued {
                true => line.sit(&member.age),
                false => line.come(&member.age),
            });
        }
        self.members.insert((kind, name), member);
    }

    fn remove(&mut self, entry: Entry<'_>) -> Vec<Key> {
        let Some(member) = self.members.remove(&entry.key()) else { return Vec::new() };
        let Some(lines) = &mut self.lines else { return Vec::new() };
        let mut called = Vec::new();
        member.in_lines(entry.kind, lines, |line| {
            line.leave(&member.age);
            called.extend(line.call());
        });
        called.iter().map(|age| entry.beside(age)).collect()
    }

    fn lines(&mut self, published: impl FnOnce() -> HashSet<String>) -> &mut HashMap<Sort, Line> {
        let Self { members, lines } = self;
        lines.get_or_insert_with(|| {
            let (mut lines, published) = (HashMap::new(), published());
            for ((kind, _), member) in members {
                let seated = member.issued || published.contains(&*member.age.uid);
                member.in_lines(kind, &mut lines, |line| match seated {
                    true => line.sit(&member.age),
                    false => line.come(&member.age),
                });
            }
            lines
        })
    }
}

impl Member {
    fn in_lines(&self, kind: &'static str, lines: &mut HashMap<Sort, Line>, mut act: impl FnMut(&mut Line)) {
        act(lines.entry(Sort::Kind(kind)).or_default());
        if let Some(service) = &self.service {
            act(lines.entry(Sort::Service(service.to_string())).or_default());
        }
    }
}

impl<'a> Entry<'a> {
    fn new<K>(kind: &'static str, object: &'a Guarded<K>) -> Option<Self> {
        let Slim { namespace, name, .. } = &object.meta;
        Some(Self { namespace, account: object.account.as_deref()?, kind, name })
    }

    fn of(&self) -> (Box<str>, Box<str>) {
        (self.namespace.into(), self.account.into())
    }

    fn key(&self) -> (&'static str, Arc<str>) {
        (self.kind, self.name.into())
    }

    /// Another credential of the same kind.
    fn beside(&self, age: &Age) -> Key {
        Key { kind: self.kind, namespace: self.namespace.into(), name: age.name.clone() }
    }
}
