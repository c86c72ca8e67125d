//! Products, which are catalog items in ConnectWise.

use super::{by_label, one_way, pair, rule};
use crate::mapping::config::{FieldMapping, MatchBy, ObjectMapping};
use crate::model::{FieldKind, ObjectKind};

/// HubSpot's product types beside the classes that every ConnectWise catalog has. Bundles and agreements have no counterpart.
const CLASSES: [(&str, &str); 3] =
    [("inventory", "Inventory"), ("non_inventory", "NonInventory"), ("service", "Service")];

/// Products, from ConnectWise to HubSpot alone, known by their SKU, which is the catalog item's identifier.
///
/// Left out: the billing frequency and term of what recurs. A catalog item tells that it does (`recurringFlag`) and what
/// it comes to, but in which cycle only an agreement or a forecast does; HubSpot bills by its frequency, and a wrong one
/// is worse than none. `hs_status`, since an inactive item freezes its product. Categories, whose rows every tenant names
/// in its own way.
#[must_use]
pub fn product() -> ObjectMapping {
    let fields = vec![
        pair("name", "description", FieldKind::Text),
        pair("hs_sku", "identifier", FieldKind::Text),
        pair("description", "customerDescription", FieldKind::LongText),
        pair("price", "price", FieldKind::Number),
        pair("hs_cost_of_goods_sold", "cost", FieldKind::Number),
        FieldMapping { values: Some(by_label(&CLASSES)), ..pair("hs_product_type", "productClass", FieldKind::Choice) },
    ];
    one_way(ObjectKind::Product, vec![rule("hs_sku", "identifier", MatchBy::Text)], fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::config::{Config, Direction};
    use crate::mapping::defaults::config;
    use crate::mapping::lint::{Severity, check};
    use crate::model::{BySystem, FieldDef, Schema};

    fn schemas() -> BySystem<Schema> {
        let mapping = product();
        BySystem::from_fn(|system| {
            let field = |name: &str, kind| FieldDef {
                name: name.into(),
                label: name.to_owned(),
                kind,
                read_only: false,
                required: false,
                unique: false,
                max_length: None,
                custom: false,
                options: Vec::new(),
            };
            let mapped = mapping.fields.iter().map(|one| field(one.field(system).as_str(), one.kind));
            let mut fields: Vec<FieldDef> =
                mapped.chain(mapping.stamp(system).map(|stamp| field(stamp.as_str(), FieldKind::Text))).collect();
            fields.sort_by(|a, b| a.name.cmp(&b.name));
            Schema { system, object: ObjectKind::Product, fields }
        })
    }

    fn errors(change: impl FnOnce(&mut ObjectMapping)) -> Vec<String> {
        let mut mapping = product();
        change(&mut mapping);
        let config = Config { objects: vec![mapping], ..config() };
        let found = check(&config, &schemas()).into_iter().filter(|finding| finding.severity == Severity::Error);
        found.map(|finding| format!("{} {}", finding.message, finding.hint)).collect()
    }

    #[test]
    fn the_default_can_be_deployed_and_needs_no_key_in_connectwise() {
        assert_eq!(errors(|_| {}), [""; 0]);
    }

    #[test]
    fn products_that_would_be_written_to_connectwise_are_refused_with_the_reason() {
        for direction in [Direction::Both, Direction::ToConnectwise] {
            let found = errors(|mapping| mapping.direction = direction);
            let refused = found.iter().find(|error| error.contains("never written to ConnectWise"));
            let refused = refused.unwrap_or_else(|| panic!("{direction:?}: {found:?}"));
            assert!(refused.contains("purchasing") && refused.contains("`direction = \"to_hubspot\"`"), "{refused}");
        }
    }
}
