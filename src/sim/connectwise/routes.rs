//! Which handler serves which path under `apis/3.0`.

use axum::http::Method;
use serde_json::{Value, json};

use super::entity::Entity;
use super::fields::{Release, release};
use super::permits::{self, Verb};
use super::resource::{self, Place};
use super::tables::{Table, id_of};
use super::{Call, Failure, associations, bundles, communications, forecast, listing, merge, version_text};
use crate::sim::options::{CATCHALL_COMPANY, OWN_COMPANY};
use crate::sim::wire::Reply;

/// The first release whose communication types are served.
const COMMUNICATION_TYPES_SINCE: Release = release(2020, 4);

pub(crate) fn route(call: &mut Call<'_>, parts: &[&str]) -> Result<Reply, Failure> {
    if let Some((table, rest)) = Table::at(parts) {
        return table_rows(call, table, rest);
    }
    match parts {
        ["system", rest @ ..] => system(call, rest),
        ["company", "companyTypeAssociations", rest @ ..] => associations::serve(call, Entity::Company, None, rest),
        ["company", "contactTypeAssociations", rest @ ..] => associations::serve(call, Entity::Contact, None, rest),
        ["company", "companies", rest @ ..] => companies(call, rest),
        ["company", "contacts", rest @ ..] => contacts(call, rest),
        ["sales", "opportunities", rest @ ..] => opportunities(call, rest),
        ["sales", "activities", rest @ ..] => resource::serve(call, Place::all(Entity::Activity), rest),
        ["service", "tickets", rest @ ..] => tickets(call, rest),
        ["service", "boards", board, rest @ ..] => board_rows(call, board, rest),
        ["procurement", "catalog", rest @ ..] => resource::serve(call, Place::all(Entity::Catalog), rest),
        _ => Err(Failure::NoRoute),
    }
}

fn number(text: &str) -> Result<u32, Failure> {
    text.parse().map_err(|_| Failure::NoRoute)
}

fn table_rows(call: &Call<'_>, table: Table, rest: &[&str]) -> Result<Reply, Failure> {
    match permits::row_of_table(table) {
        permits::TABLE_SETUP => call.permit_table(table.path())?,
        row => call.permit(row)?,
    }
    if table == Table::CommunicationType && call.model < COMMUNICATION_TYPES_SINCE {
        return Err(Failure::Plain {
            code: "ConnectWiseApi",
            message: "The requested version is not supported by this endpoint.".to_owned(),
        });
    }
    listing::table(call, table, rest)
}

fn system(call: &mut Call<'_>, rest: &[&str]) -> Result<Reply, Failure> {
    let get = call.request.method == Method::GET;
    match rest {
        ["info"] if get => Ok(Reply::json(
            200,
            &json!({
                "version": version_text(call.world), "isCloud": !call.switches().on_premise, "serverTimeZone": "Eastern Standard Time",
                "licenseBits": [], "cloudRegion": "NA", "maxWorkFlowRecordsAllowed": 500,
            }),
        )),
        ["info"] => Err(Failure::NoVerb),
        ["userDefinedFields", rest @ ..] => {
            call.permit_table(permits::CUSTOM_FIELDS)?;
            listing::definitions(call, rest)
        }
        ["myCompany", "crm"] if get => {
            call.permit(permits::MY_COMPANY)?;
            let mut crm = call.tenant().tables.crm.clone();
            let switches = call.switches();
            let settings = [
                ("lockProbabilityFlag", switches.lock_probability),
                ("companyIdGenerationFlag", switches.identifiers_generated),
                ("excludeSpacesFlag", switches.identifiers_without_spaces),
            ];
            if let Some(map) = crm.as_object_mut() {
                map.extend(settings.map(|(name, value)| (name.to_owned(), json!(value))));
            }
            Ok(Reply::json(200, &crm))
        }
        ["bundles"] if call.request.method == Method::POST => bundles::serve(call),
        ["bundles"] => Err(Failure::NoVerb),
        ["callbacks", rest @ ..] => resource::serve(call, Place::all(Entity::Callback), rest),
        _ => Err(Failure::NoRoute),
    }
}

fn companies(call: &mut Call<'_>, rest: &[&str]) -> Result<Reply, Failure> {
    let entity = Entity::Company;
    match rest {
        ["default"] => default_company(call),
        [id, "sites", rest @ ..] => resource::serve(call, Place::of(Entity::Site, number(id)?), rest),
        [id, "notes", rest @ ..] => resource::serve(call, Place::of(Entity::CompanyNote, number(id)?), rest),
        [id, "typeAssociations", rest @ ..] => associations::serve(call, entity, Some(number(id)?), rest),
        [id, "usages", rest @ ..] => resource::usages(call, entity, number(id)?, rest),
        [id, "merge"] if call.request.method == Method::POST => merge::serve(call, number(id)?),
        [_, "merge"] => Err(Failure::NoVerb),
        _ => resource::serve(call, Place::all(entity), rest),
    }
}

/// The tenant's default company: the one that catches what belongs to nobody, else its own.
fn default_company(call: &Call<'_>) -> Result<Reply, Failure> {
    call.permit_verb(permits::COMPANY_MAINTENANCE, Verb::Inquire)?;
    let known = [CATCHALL_COMPANY, OWN_COMPANY].into_iter().filter_map(|id| u32::try_from(id).ok());
    let found = known.filter_map(|id| call.tenant().find(Entity::Company, id)).next();
    let found = found.ok_or(Failure::NotFound { what: "Company", id: "default".to_owned() })?;
    resource::shown(call, 200, Entity::Company, found.id)
}

fn contacts(call: &mut Call<'_>, rest: &[&str]) -> Result<Reply, Failure> {
    let entity = Entity::Contact;
    match rest {
        [id, "communications", rest @ ..] => communications::serve(call, number(id)?, rest),
        [id, "notes", rest @ ..] => resource::serve(call, Place::of(Entity::ContactNote, number(id)?), rest),
        [id, "typeAssociations", rest @ ..] => associations::serve(call, entity, Some(number(id)?), rest),
        [id, "usages", rest @ ..] => resource::usages(call, entity, number(id)?, rest),
        _ => resource::serve(call, Place::all(entity), rest),
    }
}

fn opportunities(call: &mut Call<'_>, rest: &[&str]) -> Result<Reply, Failure> {
    let entity = Entity::Opportunity;
    match rest {
        [id, "forecast", rest @ ..] => forecast::serve(call, number(id)?, rest),
        [id, "notes", rest @ ..] => resource::serve(call, Place::of(Entity::OpportunityNote, number(id)?), rest),
        [id, "contacts", rest @ ..] => resource::serve(call, Place::of(Entity::OpportunityContact, number(id)?), rest),
        [id, "team", rest @ ..] => resource::serve(call, Place::of(Entity::TeamMember, number(id)?), rest),
        [id, "usages", rest @ ..] => resource::usages(call, entity, number(id)?, rest),
        _ => resource::serve(call, Place::all(entity), rest),
    }
}

fn tickets(call: &mut Call<'_>, rest: &[&str]) -> Result<Reply, Failure> {
    match rest {
        ["search"] if call.request.method == Method::POST => {
            // A search reads, whatever its method.
            call.permit_verb(permits::TICKETS, Verb::Inquire)?;
            let question = listing::Question::of_body(&call.body()?)?;
            listing::records(call, Entity::Ticket, None, &question)
        }
        ["search"] => Err(Failure::NoVerb),
        [id, "notes", rest @ ..] => resource::serve(call, Place::of(Entity::TicketNote, number(id)?), rest),
        _ => resource::serve(call, Place::all(Entity::Ticket), rest),
    }
}

/// The statuses, types, subtypes and teams of one board, which are nobody else's.
fn board_rows(call: &Call<'_>, board: &str, rest: &[&str]) -> Result<Reply, Failure> {
    call.permit_table(Table::Board.path())?;
    let board = number(board)?;
    let tables = &call.tenant().tables;
    if tables.row(Table::Board, board).is_none() {
        return Err(Failure::NotFound { what: Table::Board.title(), id: board.to_string() });
    }
    let (table, rest) = match rest {
        ["statuses", rest @ ..] => (Table::BoardStatus, rest),
        ["types", rest @ ..] => (Table::BoardType, rest),
        ["subtypes", rest @ ..] => (Table::BoardSubtype, rest),
        ["teams", rest @ ..] => (Table::Team, rest),
        _ => return Err(Failure::NoRoute),
    };
    let own = |row: &Value| row.get("boardId").and_then(Value::as_u64) == Some(u64::from(board));
    let of_board = |row: &&Value| row.get("board").and_then(id_of) == Some(board) || own(row);
    listing::rows_of(call, tables.rows(table).filter(of_board).cloned().collect(), table.title(), rest)
}
