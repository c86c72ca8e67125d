//! Line items, which are forecast items of opportunities in ConnectWise, below their deals and products.

use super::{one_way, pair, rule};
use crate::mapping::config::{MatchBy, ObjectMapping};
use crate::mapping::references::{DEAL_OF_LINE, OPPORTUNITY_OF_LINE};
use crate::model::{FieldKind, ObjectKind};

/// Line items, from ConnectWise to HubSpot alone, created with their deal once it and their product have their partners.
/// One that people typed in HubSpot is recognised by its name within the deal.
///
/// ConnectWise tells what all units of an item come to, HubSpot what one does: they meet in `revenue/quantity` and
/// `cost/quantity`. The forecast item that Lockstep owns, the amount of the deal, is never one of them.
///
/// Left out: `amount`, which HubSpot calculates; discounts, which a forecast item does not tell apart; how often something
/// recurs, whose cycles every tenant names in its own way.
#[must_use]
pub fn line_item() -> ObjectMapping {
    let fields = vec![
        pair("name", "forecastDescription", FieldKind::Text),
        pair("description", "productDescription", FieldKind::LongText),
        pair("quantity", "quantity", FieldKind::Number),
        pair("price", "revenue/quantity", FieldKind::Number),
        pair("hs_cost_of_goods_sold", "cost/quantity", FieldKind::Number),
        pair(DEAL_OF_LINE, OPPORTUNITY_OF_LINE, FieldKind::Reference(ObjectKind::Deal)),
        pair("hs_product_id", "catalogItem", FieldKind::Reference(ObjectKind::Product)),
    ];
    let matching = vec![rule("name", "forecastDescription", MatchBy::CompanyText)];
    one_way(ObjectKind::LineItem, matching, fields)
}
