//! CIDR reservations of subnets, v3 (api-vpc §16).

use axum::Json;
use axum::extract::{Path, State as AxumState};
use axum::http::StatusCode;
use axum::response::Response;
use catalog::Catalog;
use control::{Caller, Context, CreateCidrReservation, Error, Outcome, UpdateCidrReservation};
use model::{CidrReservation, CidrReservationId, IpVersion, Kind};

use crate::auth::Identity;
use crate::error::Problem;
use crate::extract::{Json as Body, destination, id, path_id, required, supported};
use crate::frame::Frame;
use crate::lenient::Number;
use crate::query::{Query, v3_page};
use crate::state::State;
use crate::wire::{
    CidrReservationBody, CidrReservationFields, CidrReservationList, CidrReservationRequest, CidrReservationV3,
};

/// List CIDR reservations.
#[utoipa::path(get, path = "/v3/{project_id}/vpc/virsubnet-cidr-reservations", tag = "CIDR reservations",
    operation_id = "listVirsubnetCidrReservations",
    params(("id" = Option<String>, Query), ("virsubnet_id" = Option<String>, Query), ("cidr" = Option<String>, Query),
        ("ip_version" = Option<String>, Query), ("name" = Option<String>, Query),
        ("description" = Option<String>, Query), ("enterprise_project_id" = Option<String>, Query)),
    responses((status = 200, body = CidrReservationList)))]
pub(crate) async fn list(
    AxumState(state): AxumState<State>,
    identity: Identity,
    frame: Frame,
    query: Query,
) -> Result<Json<CidrReservationList>, Problem> {
    let catalog = state.catalog();
    // A reservation is in the enterprise project of its VPC.
    let enterprise = |reservation: &CidrReservation| {
        let vpc = catalog.subnet(reservation.subnet).and_then(|subnet| catalog.vpc(subnet.vpc));
        vpc.is_none_or(|vpc| query.any_enterprise(&vpc.enterprise_project_id))
    };
    let reservations: Vec<_> = control::cidr_reservations(&catalog, &identity.project_caller()?)
        .into_iter()
        .filter(|reservation| query.any("id", reservation.id) && query.any("name", &reservation.name))
        .filter(|reservation| query.any("virsubnet_id", reservation.subnet))
        .filter(|reservation| query.any("cidr", reservation.cidr))
        .filter(|reservation| query.any("ip_version", if reservation.cidr.addr().is_ipv6() { "6" } else { "4" }))
        .filter(|reservation| query.any("description", &reservation.description) && enterprise(reservation))
        .collect();
    let (reservations, page_info) = v3_page(&query, reservations, |reservation| reservation.id.to_string())?;
    let virsubnet_cidr_reservations =
        reservations.iter().map(|reservation| CidrReservationV3::new(&catalog, reservation)).collect();
    Ok(Json(CidrReservationList { request_id: frame.request_id, virsubnet_cidr_reservations, page_info }))
}

/// Reserve a block of a subnet: its addresses are given only to who asks for them by name.
#[utoipa::path(post, path = "/v3/{project_id}/vpc/virsubnet-cidr-reservations", tag = "CIDR reservations",
    operation_id = "createVirsubnetCidrReservation", request_body = CidrReservationRequest,
    responses((status = 201, body = CidrReservationBody), (status = 202, description = "Dry run: all is well")))]
pub(crate) async fn create(
    AxumState(state): AxumState<State>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<CidrReservationRequest>,
) -> Result<Response, Problem> {
    let reservation = new_reservation(request.virsubnet_cidr_reservation)?;
    let create: UseCase = Box::new(move |catalog, caller, ctx| {
        control::create_cidr_reservation(catalog, caller, ctx, reservation.clone())
    });
    carry_out(&state, &identity, frame, request.dry_run, StatusCode::CREATED, create).await
}

/// Show a CIDR reservation.
#[utoipa::path(get, path = "/v3/{project_id}/vpc/virsubnet-cidr-reservations/{virsubnet_cidr_reservation_id}",
    tag = "CIDR reservations", operation_id = "showVirsubnetCidrReservation",
    responses((status = 200, body = CidrReservationBody)))]
pub(crate) async fn show(
    AxumState(state): AxumState<State>,
    Path((_, reservation)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
) -> Result<Json<CidrReservationBody>, Problem> {
    let catalog = state.catalog();
    let id = path_id(&frame, Kind::CidrReservation, &reservation)?;
    let reservation = control::cidr_reservation(&catalog, &identity.project_caller()?, id)?;
    let virsubnet_cidr_reservation = CidrReservationV3::new(&catalog, &reservation);
    Ok(Json(CidrReservationBody { request_id: frame.request_id, virsubnet_cidr_reservation }))
}

/// Change a CIDR reservation's name or description.
#[utoipa::path(put, path = "/v3/{project_id}/vpc/virsubnet-cidr-reservations/{virsubnet_cidr_reservation_id}",
    tag = "CIDR reservations", operation_id = "updateVirsubnetCidrReservation", request_body = CidrReservationRequest,
    responses((status = 200, body = CidrReservationBody), (status = 202, description = "Dry run: all is well")))]
pub(crate) async fn update(
    AxumState(state): AxumState<State>,
    Path((_, reservation)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
    Body(request): Body<CidrReservationRequest>,
) -> Result<Response, Problem> {
    let id: CidrReservationId = path_id(&frame, Kind::CidrReservation, &reservation)?;
    let fields = request.virsubnet_cidr_reservation;
    let fixed =
        fields.virsubnet_id.is_none() && fields.ip_version.is_none() && fields.cidr.is_none() && fields.mask.is_none();
    supported(fixed, "only name and description of a CIDR reservation can be changed; delete it and make another")?;
    let update = UpdateCidrReservation { name: fields.name, description: fields.description };
    let update: UseCase = Box::new(move |catalog, caller, ctx| {
        control::update_cidr_reservation(catalog, caller, ctx, id, update.clone())
    });
    carry_out(&state, &identity, frame, request.dry_run, StatusCode::OK, update).await
}

/// Delete a CIDR reservation. Ports that have addresses of it keep them.
#[utoipa::path(delete, path = "/v3/{project_id}/vpc/virsubnet-cidr-reservations/{virsubnet_cidr_reservation_id}",
    tag = "CIDR reservations", operation_id = "deleteVirsubnetCidrReservation", responses((status = 204)))]
pub(crate) async fn delete(
    AxumState(state): AxumState<State>,
    Path((_, reservation)): Path<(String, String)>,
    identity: Identity,
    frame: Frame,
) -> Result<Response, Problem> {
    let id: CidrReservationId = path_id(&frame, Kind::CidrReservation, &reservation)?;
    let done = state
        .commit(&identity.project_caller()?, move |catalog, caller, ctx| {
            control::delete_cidr_reservation(catalog, caller, ctx, id)
        })
        .await?;
    Ok(done.gone())
}

type UseCase = Box<dyn FnMut(&Catalog, &Caller, &mut Context<'_>) -> Result<Outcome<CidrReservation>, Error> + Send>;

async fn carry_out(
    state: &State,
    identity: &Identity,
    frame: Frame,
    dry_run: Option<bool>,
    status: StatusCode,
    use_case: UseCase,
) -> Result<Response, Problem> {
    let caller = identity.project_caller()?;
    if dry_run == Some(true) {
        return state.rehearse(&caller, &frame, use_case);
    }
    let done = state.commit(&caller, use_case).await?;
    Ok(done.reply(status, |reservation, catalog| CidrReservationBody {
        request_id: frame.request_id,
        virsubnet_cidr_reservation: CidrReservationV3::new(catalog, reservation),
    }))
}

fn new_reservation(fields: CidrReservationFields) -> Result<CreateCidrReservation, Problem> {
    let version = match required(fields.ip_version, "virsubnet_cidr_reservation.ip_version")?.0 {
        4 => IpVersion::V4,
        6 => IpVersion::V6,
        _ => return Err(Problem::invalid("virsubnet_cidr_reservation.ip_version: 4 or 6 is expected")),
    };
    let cidr = fields.cidr.as_deref().filter(|text| !text.is_empty()).map(destination).transpose()?;
    if cidr.is_some_and(|cidr| cidr.addr().is_ipv6() != (version == IpVersion::V6)) {
        return Err(Problem::invalid("virsubnet_cidr_reservation.cidr is not of the family of ip_version"));
    }
    let subnet = required(fields.virsubnet_id, "virsubnet_cidr_reservation.virsubnet_id")?;
    Ok(CreateCidrReservation {
        subnet: id(&subnet, "virsubnet_cidr_reservation.virsubnet_id")?,
        version,
        cidr,
        mask: mask(fields.mask)?,
        name: fields.name.unwrap_or_default(),
        description: fields.description.unwrap_or_default(),
    })
}

fn mask(number: Option<Number>) -> Result<Option<u8>, Problem> {
    let wrong = |_| Problem::invalid("virsubnet_cidr_reservation.mask: a prefix length up to 128 is expected");
    number.map(|number| u8::try_from(number.0).map_err(wrong)).transpose()
}
