//! A Table Setup that is customised in the security role: each table that is left out is named.

use lockstep::connect::Severity;

use super::objects::switch;
use super::rights::all;
use super::*;

#[tokio::test]
async fn each_table_left_out_of_the_table_setup_is_named_with_its_entry() {
    let running = Simulators::start(sim::Options::quick(Data::Story)).await.unwrap();
    let psa = every_object(&running.connectwise_url, &running.credentials);
    let needs = ObjectKind::ALL.map(all);
    let mut problems = Vec::new();
    for (table, entry) in [
        ("company/companies/statuses", "Companies / Company Status"),
        ("company/companies/types", "Companies / Company Type"),
        ("company/countries", "Companies / Country"),
        ("company/marketDescriptions", "Companies / Market"),
        ("company/ownershipTypes", "Companies / Ownership Type"),
        ("finance/currencies", "Companies / Currency"),
        ("company/contacts/types", "Contacts / Contact Type"),
        ("company/contacts/departments", "Contacts / Department"),
        ("company/contacts/relationships", "Contacts / Relationship"),
        ("company/communicationTypes", "Contacts / Communication Type"),
        ("sales/opportunities/statuses", "Opportunities / Opportunity Status"),
        ("sales/opportunities/types", "Opportunities / Opportunity Type"),
        ("sales/opportunities/ratings", "Opportunities / Opportunity Rating"),
        ("sales/probabilities", "Opportunities / Sales Probability"),
        ("sales/stages", "Opportunities / Sales Stage"),
        ("sales/activities/types", "Opportunities / Activity Type"),
        ("sales/activities/statuses", "Opportunities / Activity Status"),
        ("service/boards", "Service / Service Board"),
        ("service/priorities", "Service / Priority"),
        ("service/sources", "Service / Source"),
        ("procurement/subcategories", "Products / Product Subcategory"),
        ("procurement/types", "Products / Product Type"),
        ("system/userDefinedFields", "General / Custom Fields"),
    ] {
        switch(&running, &json!({"role": {"closed_tables": [table]}}));
        let findings = psa.examine(&needs).await.unwrap().findings;
        let expected = format!(
            "In the API member's security role, set System / Table Setup / Inquire to All (customise: allow {entry})."
        );
        let named = findings.iter().filter(|one| one.severity == Severity::Problem && one.remedy == expected).count();
        let others = findings.iter().filter(|one| one.severity == Severity::Problem && one.remedy != expected).count();
        if (named, others) != (1, 0) {
            problems.push(format!("{table}: {findings:#?}"));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
