# Two VPCs, a peering connection and its routes, with the official provider.
#
#   terraform init
#   terraform apply -var credentials=/var/lib/causeway/credentials.json

terraform {
  required_providers {
    huaweicloud = {
      source  = "huaweicloud/huaweicloud"
      version = ">= 1.36.0"
    }
  }
}

variable "credentials" {
  description = "The file that the server writes when it starts"
  type        = string
}

locals {
  server = jsondecode(file(var.credentials))
}

provider "huaweicloud" {
  region     = "region-1"
  access_key = local.server.access_key
  secret_key = local.server.secret_key
  auth_url   = "${local.server.endpoint}/v3"

  # One listener serves them all. `vpc` stands for every version of the network API, `iam` for the identity service's.
  endpoints = {
    iam = local.server.endpoint
    vpc = local.server.endpoint
    dns = local.server.endpoint
    eps = local.server.endpoint
  }

  # The public cloud's own checks at the start.
  cloud                   = "cloud.example"
  skip_check_website_type = true
  skip_check_upgrade      = true
}

resource "huaweicloud_vpc" "a" {
  name = "tf-a"
  cidr = "172.20.0.0/16"
}

resource "huaweicloud_vpc" "b" {
  name = "tf-b"
  cidr = "172.21.0.0/16"
}

resource "huaweicloud_vpc_subnet" "a" {
  name        = "subnet-tf-a"
  vpc_id      = huaweicloud_vpc.a.id
  cidr        = "172.20.0.0/24"
  gateway_ip  = "172.20.0.1"
  primary_dns = "172.20.0.53"
}

resource "huaweicloud_vpc_subnet" "b" {
  name        = "subnet-tf-b"
  vpc_id      = huaweicloud_vpc.b.id
  cidr        = "172.21.0.0/24"
  gateway_ip  = "172.21.0.1"
  primary_dns = "172.21.0.53"
}

resource "huaweicloud_vpc_peering_connection" "ab" {
  name        = "tf-a-b"
  vpc_id      = huaweicloud_vpc.a.id
  peer_vpc_id = huaweicloud_vpc.b.id
}

resource "huaweicloud_vpc_route" "a" {
  vpc_id      = huaweicloud_vpc.a.id
  destination = huaweicloud_vpc.b.cidr
  type        = "peering"
  nexthop     = huaweicloud_vpc_peering_connection.ab.id
}

resource "huaweicloud_vpc_route" "b" {
  vpc_id      = huaweicloud_vpc.b.id
  destination = huaweicloud_vpc.a.cidr
  type        = "peering"
  nexthop     = huaweicloud_vpc_peering_connection.ab.id
}

output "peering" {
  value = huaweicloud_vpc_peering_connection.ab.status
}
