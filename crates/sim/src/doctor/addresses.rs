//! Do the addresses of both sides overlap? (Rules PEER-13, RT-5.)

use ipnet::IpNet;

use super::{End, Exam, Item, Side, listed, overlap};

impl Exam<'_> {
    pub(super) fn overlap(&self) -> Item {
        let (this, other) = (&self.this, &self.other);
        if !(this.ranges_known && other.ranges_known) {
            return self.not_told(
                "overlap",
                other,
                "The peer's ranges are told after acceptance; ask its owner before.",
            );
        }
        let (mine, theirs) = (self.ranges(this), self.ranges(other));
        if !mine.iter().any(|a| theirs.iter().any(|b| overlap(a, b))) {
            return self.item("overlap", Side::Both, false, "The ranges of the VPCs do not overlap.");
        }
        let (free_here, free_there) = (self.usable(this, other), self.usable(other, this));
        let none =
            |end: &End<'_>, free: &[String]| free.is_empty() && self.catalog.subnets_of(end.vpc.id).next().is_some();
        if none(this, &free_here) || none(other, &free_there) {
            let text = "The VPCs overlap completely: on one side every subnet overlaps the other side's, and local routes \
                        always win. No traffic can pass; re-plan the addresses.";
            return self.item("overlap", Side::Both, true, text);
        }
        let told: Vec<String> = [(this, free_here), (other, free_there)]
            .into_iter()
            .filter(|(end, free)| end.known && !free.is_empty())
            .map(|(end, free)| format!("of {} {}", self.name(end), listed(&free)))
            .collect();
        let usable =
            if told.is_empty() { String::new() } else { format!(" These can be connected: {}.", told.join("; ")) };
        let blocked = self.blocked();
        let text = format!(
            "The ranges of the VPCs overlap. Connect only subnets that do not overlap, or single servers, with routes to \
             those instead of the whole VPC.{usable}"
        );
        // Ranges that overlap are no harm as long as no subnets do.
        self.item("overlap", Side::Both, blocked, text)
    }

    /// Whether a subnet of one side overlaps one of the other.
    fn blocked(&self) -> bool {
        let other = self.locals(&self.other);
        self.locals(&self.this).iter().any(|(_, a)| other.iter().any(|(_, b)| overlap(a, b)))
    }

    /// The subnets of an end that overlap none of the other end's, as name and range.
    fn usable(&self, end: &End<'_>, other: &End<'_>) -> Vec<String> {
        let theirs = self.locals(other);
        let free = self.locals(end).into_iter().filter(|(_, own)| !theirs.iter().any(|(_, b)| overlap(own, b)));
        free.map(|(name, range)| format!("{name} ({range})")).collect()
    }

    /// The IPv4 ranges of an end's subnets, with their names.
    pub(super) fn locals(&self, end: &End<'_>) -> Vec<(String, IpNet)> {
        let subnets = self.catalog.subnets_of(end.vpc.id);
        subnets.map(|subnet| (subnet.name.clone(), IpNet::V4(subnet.cidr))).collect()
    }
}
