//! The line in front of a limit: who has a place keeps it, the others stand in the order of their age.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

/// How old a credential is; of two of one second the uid says which comes first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Age {
    pub created: Timestamp,
    pub uid: Arc<str>,
    /// Whose age it is.
    pub name: Arc<str>,
}

/// All credentials that are counted together by one limit.
#[derive(Debug, Default)]
pub struct Line {
    /// Those who were issued, or were told that they may be: nobody comes before them.
    seated: BTreeSet<Age>,
    standing: BTreeSet<Age>,
    /// Of those who stand, the ones who asked and were refused: nobody else needs to hear of a free place.
    refused: BTreeSet<Age>,
}

impl Line {
    pub fn len(&self) -> usize {
        self.seated.len() + self.standing.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Joins the line, or stays where it is in it.
    pub fn come(&mut self, age: &Age) {
        if !self.seated.contains(age) {
            self.standing.insert(age.clone());
        }
    }

    /// Gives a place back; whether there was one.
    pub fn stand(&mut self, age: &Age) -> bool {
        let was_seated = self.seated.remove(age);
        self.standing.insert(age.clone());
        was_seated
    }

    /// Who was issued has a place, whatever the limit says.
    pub fn sit(&mut self, age: &Age) {
        self.standing.remove(age);
        self.refused.remove(age);
        self.seated.insert(age.clone());
    }

    pub fn leave(&mut self, age: &Age) {
        self.seated.remove(age);
        self.standing.remove(age);
        self.refused.remove(age);
    }

    /// Whether there is a place when there may be so many; one that was taken and not used yet counts for nothing,
    /// because the limit may have fallen. Cheap, however long the line is.
    pub fn has_place(&self, age: &Age, most: usize) -> bool {
        let others = self.seated.len() - usize::from(self.seated.contains(age));
        let free = most.saturating_sub(others);
        self.standing.range(..age).take(free).count() < free
    }

    pub fn refuse(&mut self, age: &Age) {
        self.refused.insert(age.clone());
    }

    /// Who is to be told that a place has become free: the first who was refused. Asking again puts it back.
    pub fn call(&mut self) -> Option<Age> {
        self.refused.pop_first()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn age(second: i64, uid: &str) -> Age {
        Age { created: Timestamp::from_second(second).unwrap(), uid: uid.into(), name: uid.into() }
    }

    /// Asks for a place, and takes it.
    fn ask(line: &mut Line, age: &Age, most: usize) -> bool {
        let granted = line.has_place(age, most);
        if granted {
            line.sit(age)
        } else {
            line.refuse(age)
        }
        granted
    }

    #[test]
    fn the_oldest_have_the_places_whoever_asks_first() {
        let mut line = Line::default();
        let all = [age(1, "b"), age(1, "c"), age(2, "a")];
        all.iter().for_each(|age| line.come(age));
        let asked: Vec<bool> = all.iter().rev().map(|age| ask(&mut line, age, 2)).collect();
        assert_eq!(asked, [false, true, true]);
    }

    #[test]
    fn who_has_a_place_keeps_it_though_an_older_one_comes_and_though_the_limit_falls() {
        let mut line = Line::default();
        let (first, older) = (age(1, "z"), age(1, "a"));
        line.come(&first);
        assert!(ask(&mut line, &first, 1));
        line.come(&older);
        assert!(!ask(&mut line, &older, 1), "two of one second do not both slip under the limit");
        assert!(!ask(&mut line, &older, 0));
    }

    #[test]
    fn a_free_place_is_offered_to_the_first_who_was_refused_and_to_nobody_else() {
        let mut line = Line::default();
        let all: Vec<Age> = (0..5).map(|n| age(n, "x")).collect();
        // Has its place by its age, and waits for something else.
        line.come(&age(1, "y"));
        all.iter().for_each(|age| line.come(age));
        for age in &all {
            ask(&mut line, age, 3);
        }
        line.leave(&all[0]);
        assert_eq!(line.call(), Some(all[2].clone()));
        assert!(ask(&mut line, &all[2], 3));
        line.leave(&all[3]);
        assert_eq!(line.call(), Some(all[4].clone()));
        assert!(!ask(&mut line, &all[4], 3), "the places are taken");
        line.leave(&all[2]);
        assert_eq!(line.call(), Some(all[4].clone()), "it asked again");
    }

    proptest! {
        #[test]
        fn never_more_than_the_limit_are_seated_and_in_the_end_no_place_is_empty(
            steps in proptest::collection::vec((0usize..8, 0u8..3), 1..60), most in 0usize..4,
        ) {
            let ages: Vec<Age> = (0..8).map(|n| age(n / 3, &format!("{}", 8 - n))).collect();
            let mut line = Line::default();
            let mut there = BTreeSet::new();
            for (who, step) in steps {
                let age = &ages[who];
                match (step, there.contains(&who)) {
                    (0, false) => { line.come(age); there.insert(who); }
                    (1, true) => { line.leave(age); there.remove(&who); }
                    (_, true) if !line.seated.contains(age) => { ask(&mut line, age, most); }
                    _ => {}
                }
                prop_assert!(line.seated.len() <= most);
                prop_assert_eq!(line.len(), there.len());
            }
            for age in there.iter().map(|who| &ages[*who]).filter(|age| !line.seated.contains(age)).cloned().collect::<Vec<_>>() {
                ask(&mut line, &age, most);
            }
            while let Some(next) = line.call() {
                if !ask(&mut line, &next, most) {
                    break;
                }
            }
            prop_assert_eq!(line.seated.len(), most.min(there.len()));
        }
    }
}
