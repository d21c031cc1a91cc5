//! No history of an uploaded key breaks the rules either: another key is its rotation, and no trigger is.

use proptest::prelude::*;

use crate::{
    histories::{Event, config, event, run, step},
    world::World,
};

fn of_an_upload() -> impl Strategy<Value = Event> {
    let own = event().prop_filter("nothing is minted", |event| {
        !matches!(event, Event::Mode(_) | Event::Passphrase(_) | Event::DeleteSeal)
    });
    prop_oneof![
        10 => own,
        1 => proptest::option::weighted(0.8, 0u64..4).prop_map(Event::Brings),
    ]
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_history_of_an_upload_breaks_the_rules(
        steps in proptest::collection::vec(step(of_an_upload()), 1..60),
    ) {
        let mut world = World::new();
        world.bring(Some(0));
        run(world, &steps);
    }
}
