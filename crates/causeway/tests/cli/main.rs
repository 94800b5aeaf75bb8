//! The command line as its users meet it: the built binary against a server of its own, with the simulator.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failure here is the failure of the test")]

mod users;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(30);

const NETWORK: &str = "\
vpcs:
- {name: VPC-A, cidrs: [172.16.0.0/16]}
- {name: VPC-B, cidrs: [172.17.0.0/16]}
subnets:
- {name: Subnet-A01, vpc: VPC-A, cidr: 172.16.0.0/24}
- {name: Subnet-B01, vpc: VPC-B, cidr: 172.17.0.0/24}
workloads:
- {name: ECS-A01, subnet: Subnet-A01, ip: 172.16.0.111}
- {name: RDS-B01, subnet: Subnet-B01, ip: 172.17.0.21, kind: rds}
peerings:
- {name: Peering-AB, local: VPC-A, peer: VPC-B}
routes:
- {table: rtb-VPC-A, destination: 172.17.0.0/16, next_hop_type: peering, next_hop: Peering-AB}
- {table: rtb-VPC-B, destination: 172.16.0.0/16, next_hop_type: peering, next_hop: Peering-AB}
";

/// A server with a folder, a home and marks of its own.
struct Bench {
    folder: TempDir,
    datapath: &'static str,
    child: Child,
}

/// What a command did.
#[derive(Debug)]
struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Ran {
    /// Checks the exit code.
    #[track_caller]
    fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }

    /// The output as JSON.
    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }
}

/// A command that sees nothing of the user who runs the tests.
fn command(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_causeway"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CAUSEWAY_") || name.starts_with("XDG_")) {
        command.env_remove(name);
    }
    command.env("HOME", home).env("CAUSEWAY_RUN", home.join("run")).env("CAUSEWAY_DATA", home.join("data"));
    command
}

fn wait_for<T>(what: &str, mut done: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + LIMIT;
    loop {
        if let Some(value) = done() {
            return value;
        }
        assert!(Instant::now() < end, "{what} did not happen within {LIMIT:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

impl Bench {
    fn start() -> Self {
        Self::start_with("sim")
    }

    fn start_with(datapath: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let child = Self::serve(folder.path(), datapath);
        Self { folder, datapath, child }
    }

    /// Starts the server and waits for the mark, which comes last.
    fn serve(home: &Path, datapath: &str) -> Child {
        let mut serve = command(home);
        serve.args(["serve", "--listen", "127.0.0.1:0", "--datapath", datapath]);
        let child = serve.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        wait_for("the server's mark", || server::Marker::all(&home.join("run")).pop());
        child
    }

    fn home(&self) -> &Path {
        self.folder.path()
    }

    fn command(&self) -> Command {
        command(self.home())
    }

    /// Runs a command; arguments are separated by spaces.
    fn run(&self, arguments: &str) -> Ran {
        self.run_all(&arguments.split_whitespace().collect::<Vec<_>>())
    }

    fn run_all(&self, arguments: &[&str]) -> Ran {
        ran(self.command().args(arguments))
    }

    fn endpoint(&self) -> String {
        server::Credentials::read(&self.home().join("data")).unwrap().unwrap().endpoint
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path: PathBuf = self.home().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    fn apply(&self, text: &str) -> Ran {
        let file = self.file("network.yaml", text);
        self.run(&format!("apply -f {file}"))
    }

    /// Asks the server to stop; its exit code.
    fn terminate(&mut self) -> i32 {
        let status = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
        wait_for("the server's end", || self.child.try_wait().unwrap()).code().unwrap_or(-1)
    }
}

fn ran(command: &mut Command) -> Ran {
    let output = command.stdin(Stdio::null()).output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if self.datapath == "kernel" {
            let left = self.run("down --leftovers");
            if left.code != 0 {
                eprintln!("left on the machine: {}", left.err);
            }
        }
    }
}

#[test]
fn applying_twice_changes_nothing_and_an_edited_file_only_what_differs() {
    let bench = Bench::start();
    let dry = bench.run(&format!("apply --dry-run -f {}", bench.file("network.yaml", NETWORK))).exits(0);
    assert!(dry.out.contains("+ vpc VPC-A 172.16.0.0/16") && dry.out.contains("nothing was changed"), "{}", dry.out);
    assert_eq!(bench.run("vpc list -o json").exits(0).json(), Value::Array(vec![]));

    let first = bench.apply(NETWORK).exits(0);
    assert!(first.out.contains("+ peering Peering-AB"), "{}", first.out);
    assert_eq!(first.err, "", "a file that has its routes needs no reminder of them");
    let revision = || bench.run("status -o json").exits(0).json()["revision"].clone();
    let before = revision();
    assert_eq!(bench.apply(NETWORK).exits(0).out, "nothing to change\n");
    assert_eq!(revision(), before, "not even a write without effect");

    let edited = bench.apply(&NETWORK.replace("172.16.0.111", "172.16.0.112")).exits(0);
    let lines: Vec<&str> = edited.out.lines().collect();
    assert_eq!(
        lines,
        ["- server ECS-A01 (replaced)", "+ server ECS-A01 172.16.0.112 in Subnet-A01", "1 created, 1 deleted"]
    );

    // VPCs that a file does not name are left alone.
    bench.run("vpc create mine --cidr 10.0.0.0/16").exits(0);
    bench.apply(&NETWORK.replace("172.16.0.111", "172.16.0.112")).exits(0);
    bench.run("vpc show mine").exits(0);

    let gone = bench.run(&format!("down -f {} -o json", bench.home().join("network.yaml").display())).exits(0);
    assert!(gone.json().as_array().unwrap().iter().all(|change| change["change"] == "delete"), "{}", gone.out);
    let left = bench.run("vpc list -o json").exits(0).json();
    assert_eq!(left.as_array().unwrap().iter().map(|vpc| &vpc["name"]).collect::<Vec<_>>(), ["mine"]);
    bench.run("down").exits(2);
    bench.run("down --yes").exits(0);
    assert_eq!(bench.run("vpc list -o json").exits(0).json(), Value::Array(vec![]));
}

#[test]
fn a_trace_says_what_to_change_and_the_commands_it_gives_do_it() {
    let bench = Bench::start();
    let bare: String = NETWORK.split("peerings:").next().unwrap().to_owned();
    bench.apply(&bare).exits(0);
    let trace = "trace ECS-A01 RDS-B01 tcp/5432";
    let told = bench.run(trace).exits(1);
    assert!(told.out.starts_with("ECS-A01 → RDS-B01 tcp/5432: not reachable, no_route in VPC-A\n"), "{}", told.out);
    let mut rounds = 0;
    loop {
        let answer = bench.run(&format!("{trace} -o json"));
        let fixes = answer.json()["verdict"]["fix"].clone();
        let Some(fix) = fixes.as_array().and_then(|all| all.first()) else { break };
        let fix = fix.as_str().unwrap().strip_prefix("causeway ").expect("a command of ours").to_owned();
        bench.run(&fix).exits(0);
        rounds += 1;
        assert!(rounds < 6, "the commands lead nowhere: {fixes}");
    }
    assert_eq!(rounds, 3, "a peering and two routes");
    let told = bench.run(trace).exits(0);
    assert!(told.out.contains("tcp/5432: reachable, seen from 172.16.0.111"), "{}", told.out);
    assert!(told.out.contains("\nrequest\n  ┌─ VPC-A") && told.out.contains("\nreply\n  ┌─ VPC-B"), "{}", told.out);

    let to_address = bench.run("trace ECS-A01 172.17.0.99 -o json").exits(1).json();
    assert_eq!(to_address["verdict"]["reason"], "no_such_host");
}

#[test]
fn the_doctor_says_what_a_peering_lacks_and_the_commands_it_gives_mend_it() {
    let bench = Bench::start();
    bench.apply(NETWORK).exits(0);
    bench.run("doctor Peering-AB").exits(0);
    bench.run("route delete rtb-VPC-A 172.17.0.0/16").exits(0);
    let told = bench.run("doctor Peering-AB").exits(1);
    assert!(told.out.starts_with("Peering-AB ACTIVE: 1 problem"), "{}", told.out);
    assert!(told.out.contains("✗ routes (this side)"), "{}", told.out);
    let items = bench.run("doctor Peering-AB -o json").exits(1).json()["items"].clone();
    let commands = items.as_array().unwrap().iter().flat_map(|item| item["repairs"].as_array().unwrap());
    let commands: Vec<&str> = commands.map(|repair| repair["command"].as_str().unwrap()).collect();
    let [command] = commands[..] else { panic!("one command: {commands:?}") };
    bench.run(command.strip_prefix("causeway ").expect("a command of ours")).exits(0);
    bench.run("doctor Peering-AB").exits(0);
    bench.run("doctor nothing").exits(4);
}

#[test]
fn a_matrix_shows_who_reaches_whom_and_why_not() {
    let bench = Bench::start();
    bench.apply(NETWORK).exits(0);
    let matrix = bench.run("reach").exits(0);
    assert_eq!(
        matrix.out,
        "FROM \\ TO        ECS-A01  RDS-B01\nECS-A01 (VPC-A)  ·        ✓\nRDS-B01 (VPC-B)  ✓        ·\n"
    );
    bench.run("route delete rtb-VPC-B 172.16.0.0/16").exits(0);
    let matrix = bench.run("reach --proto tcp/5432 ECS-A01 RDS-B01").exits(0);
    assert!(matrix.out.contains("✗ no_route in VPC-B\n    RDS-B01 → ECS-A01\n"), "{}", matrix.out);
    assert!(
        matrix.out.contains("✗ no_return_route in VPC-B, on the way back\n    ECS-A01 → RDS-B01\n"),
        "{}",
        matrix.out
    );
    let json = bench.run("reach -o json").exits(0).json();
    assert_eq!(json["matrix"].as_array().unwrap().len(), 2);
    assert_eq!(bench.run("exec ECS-A01 -- true").exits(5).out, "");
}

#[test]
fn a_peering_between_accounts_waits_for_the_other() {
    let bench = Bench::start();
    bench.run("account create acct-b --save").exits(0);
    bench.run("vpc create VPC-A --cidr 172.16.0.0/16").exits(0);
    bench.run("--profile acct-b vpc create VPC-C --cidr 192.168.0.0/16").exits(0);

    let made = bench.run("peering create AC --vpc VPC-A --peer-vpc VPC-C --peer-profile acct-b").exits(0);
    assert!(made.out.contains("created peering AC PENDING_ACCEPTANCE"), "{}", made.out);
    assert!(made.err.contains("warning: Routes are needed"), "{}", made.err);
    let own = bench.run("peering accept AC").exits(6);
    assert!(own.err.starts_with("error: "), "{}", own.err);
    bench.run("--profile acct-b peering reject AC").exits(0);
    bench.run("--profile acct-b peering accept AC").exits(5);
    bench.run("peering delete AC").exits(0);

    // The same by ids, as somebody without the other's profile has to.
    let vpc = bench.run("--profile acct-b vpc show VPC-C -o json").exits(0).json();
    let (id, project) = (vpc["id"].as_str().unwrap(), vpc["tenant_id"].as_str().unwrap());
    bench.run(&format!("peering create AC --vpc VPC-A --peer-vpc {id} --peer-project {project}")).exits(0);
    let twice = bench.run(&format!("peering create AC2 --vpc VPC-A --peer-vpc {id} --peer-project {project}")).exits(5);
    assert!(twice.err.contains("already have the peering AC"), "{}", twice.err);
    let accepted = bench.run("--profile acct-b peering accept AC").exits(0);
    assert!(accepted.out.contains("accepted peering AC ACTIVE"), "{}", accepted.out);
    bench.run_all(&["peering", "update", "AC", "--name", "west", "--description", "to the west"]).exits(0);
    let list = bench.run("--profile acct-b peering list --status active -o json").exits(0).json();
    assert_eq!((&list[0]["name"], &list[0]["description"]), (&"west".into(), &"to the west".into()));
    bench.run("--profile acct-b peering delete west").exits(0);
    assert_eq!(bench.run("peering list -o json").exits(0).json(), Value::Array(vec![]));

    bench.run("--profile acct-b account list").exits(6);
    let used = bench.run("account delete acct-b").exits(5);
    assert!(used.err.contains("still has"), "{}", used.err);
    bench.run("--profile acct-b vpc delete VPC-C").exits(0);
    bench.run("account delete acct-b").exits(0);
    bench.run("--profile acct-b vpc list").exits(3);
}

#[test]
fn accounts_of_a_file_are_made_and_kept_as_profiles() {
    let bench = Bench::start();
    let text = NETWORK.replace("cidrs: [172.17.0.0/16]", "cidrs: [172.17.0.0/16], account: acct-b");
    let first = bench.apply(&text).exits(0);
    assert!(first.err.contains("made account acct-b; its key is profile `acct-b`"), "{}", first.err);
    assert!(first.out.contains("~ peering Peering-AB accepted by acct-b"), "{}", first.out);
    assert_eq!(bench.apply(&text).exits(0).out, "nothing to change\n");
    assert_eq!(bench.run("--profile acct-b server list -o json").exits(0).json()[0]["name"], "RDS-B01");
    // Somebody else's profile of that name is not touched and not used.
    let profiles = bench.home().join(".config/causeway/profiles.toml");
    assert!(profiles.exists());
    std::fs::write(&profiles, "[acct-b]\nendpoint = \"http://elsewhere:1\"\naccess_key = \"a\"\nsecret_key = \"b\"\n")
        .unwrap();
    let refused = bench.apply(&text).exits(3);
    assert!(refused.err.contains("no profile of that name"), "{}", refused.err);
}

#[test]
fn bad_input_gets_a_sentence_and_an_exit_code() {
    let bench = Bench::start();
    bench.apply(NETWORK).exits(0);
    let unknown_id = "0605767a-9980-4579-af4f-c00ce5a7a1f1";
    let unclosed = bench.file("unclosed.yaml", "vpcs: [");
    let unknown_field = bench.file("field.yaml", "vpcs: []\nsubnet: []\n");
    let unknown_name = bench.file("name.yaml", &NETWORK.replace("vpc: VPC-A", "vpc: VPC-a"));
    let expired = bench.file("expired.yaml", &NETWORK.replace("peer: VPC-B}", "peer: VPC-B, status: EXPIRED}"));
    let bad_cidr = bench.file("cidr.yaml", &NETWORK.replace("172.16.0.0/24", "172.99.0.0/24"));
    let suite = bench.file("suite.yaml", "scenarios:\n- {id: one, vpcs: []}\n- {id: two, vpcs: []}\n");
    let reason = bench.file(
        "reason.yaml",
        &format!(
            "{NETWORK}expect:\n- {{from: ECS-A01, to: RDS-B01, proto: icmp, reachable: false, reason: no_rout}}\n"
        ),
    );
    let cases: &[(&str, i32, &str)] = &[
        // Usage.
        ("vpc create X", 2, "--cidr"),
        ("trace ECS-A01 RDS-B01 tcp", 2, "tcp needs a port, such as tcp/5432"),
        ("trace ECS-A01 RDS-B01 sctp/1", 2, "`sctp` is no protocol"),
        ("subnet create S --vpc VPC-A --cidr nonsense", 2, "`nonsense` is no IPv4 CIDR"),
        ("serve --datapath fast", 2, "`fast` is no data plane; write auto, kernel or sim"),
        ("serve --listen 9797", 2, "an IP address and a port, such as 127.0.0.1:9797"),
        ("apply -f /nowhere.yaml", 2, "cannot read /nowhere.yaml: No such file or directory"),
        (&format!("apply -f {unclosed}"), 2, "is not a topology document: line 1 column 7: unclosed bracket"),
        (&format!("apply -f {unknown_field}"), 2, "unknown field `subnet`"),
        (
            &format!("apply -f {unknown_name}"),
            2,
            "names VPC `VPC-a`, which the document does not have; did you mean `VPC-A`?",
        ),
        (
            &format!("apply -f {expired}"),
            2,
            "so it is ACTIVE at once; only a request to another account can be EXPIRED",
        ),
        (
            &format!("apply -f {bad_cidr}"),
            2,
            "subnet Subnet-A01: 172.99.0.0/24 lies in no CIDR of VPC-A (172.16.0.0/16)",
        ),
        (&format!("apply -f {suite}"), 2, "has 2 scenarios; choose one with --scenario"),
        (&format!("check {reason} --datapath sim"), 2, "no_rout"),
        ("down", 2, "say --yes"),
        // No connection.
        ("--endpoint http://127.0.0.1:1 vpc list", 3, "no credentials for the server at http://127.0.0.1:1"),
        ("--profile nobody vpc list", 3, "no profile named `nobody`"),
        // Not found.
        ("vpc show VPC-a", 4, "no VPC named `VPC-a`; did you mean `VPC-A`?"),
        ("vpc show zzz", 4, "there are VPC-A, VPC-B"),
        (&format!("vpc show {unknown_id}"), 4, "no VPC has the id"),
        ("server delete ECS-A1", 4, "did you mean `ECS-A01`?"),
        ("route list rtb-VPC-C", 4, "did you mean `rtb-VPC-"),
        ("route delete rtb-VPC-A 172.17.0.0/24", 4, "has no route to `172.17.0.0/24`; did you mean `172.17.0.0/16`?"),
        ("--region region-9 vpc list", 4, "no region named `region-9`; did you mean `region-"),
        (&format!("apply -f {suite} --scenario thr"), 4, "no scenario `thr`"),
        (&format!("security-group rule delete {unknown_id}"), 4, unknown_id),
        // Refused.
        ("vpc create VPC-X --cidr 8.0.0.0/8", 5, "is not allowed for a VPC"),
        ("vpc create VPC-X --cidr 10.0.0.0/8 --cidr 10.1.0.0/16", 5, "overlaps"),
        ("vpc create VPC-A --cidr 10.0.0.0/8", 5, "VPC-A"),
        ("vpc delete VPC-A", 5, "error: "),
        ("subnet create S --vpc VPC-A --cidr 172.16.0.128/25", 5, "overlaps"),
        ("subnet create S --vpc VPC-A --cidr 10.0.0.0/24", 5, "lies in no CIDR block of the VPC"),
        ("server create S --subnet Subnet-A01 --ip 172.16.0.111", 5, "172.16.0.111"),
        ("server create S --subnet Subnet-A01 --ip 172.16.0.1", 5, "172.16.0.1"),
        ("peering create P --vpc VPC-A --peer-vpc VPC-B", 5, "already have the peering Peering-AB"),
        ("peering create P --vpc VPC-A --peer-vpc VPC-A", 5, "error: "),
        ("route add rtb-VPC-A 172.16.0.0/25 peering Peering-AB", 5, "always wins"),
        ("route add rtb-VPC-A 172.17.0.0/16 peering Peering-AB", 5, "172.17.0.0/16"),
        ("exec ECS-A01 -- true", 5, "there is nothing to enter"),
    ];
    for (arguments, code, sentence) in cases {
        let ran = bench.run(arguments);
        assert_eq!(ran.code, *code, "causeway {arguments}: {ran:#?}");
        assert!(ran.err.contains(sentence), "causeway {arguments}: {sentence:?} is not in {}", ran.err);
        let errors: Vec<&str> = ran.err.lines().filter(|line| line.starts_with("error: ")).collect();
        assert_eq!(errors.len(), 1, "one line: {}", ran.err);
        assert!(!ran.err.contains("panicked") && !ran.err.contains("Error {"), "{}", ran.err);
    }
    // What was refused changed nothing.
    assert_eq!(bench.apply(NETWORK).exits(0).out, "nothing to change\n");
    let names = bench.run("vpc list -o json").exits(0).json();
    assert_eq!(names.as_array().unwrap().iter().map(|vpc| &vpc["name"]).collect::<Vec<_>>(), ["VPC-A", "VPC-B"]);

    let wrong = |access: &str, secret: &str| {
        ran(bench.command().env("CAUSEWAY_ACCESS_KEY", access).env("CAUSEWAY_SECRET_KEY", secret).args(["vpc", "list"]))
    };
    let key = server::Credentials::read(&bench.home().join("data")).unwrap().unwrap().access_key;
    assert!(wrong("nobody", "x").exits(6).err.contains("hint: the server does not take this access key"));
    wrong(&key, "wrong").exits(6);
    wrong("a\nb", "x").exits(2);
    let half = ran(bench.command().env("CAUSEWAY_ACCESS_KEY", &key).args(["vpc", "list"])).exits(2);
    assert!(half.err.contains("CAUSEWAY_SECRET_KEY is not"), "{}", half.err);
}

#[test]
fn every_kind_of_object_can_be_made_shown_and_deleted() {
    let bench = Bench::start();
    for arguments in [
        "vpc create V --cidr 10.0.0.0/16",
        "vpc add-cidr V 172.31.0.0/16",
        "vpc remove-cidr V 172.31.0.0/16",
        "subnet create S --vpc V --cidr 10.0.0.0/24 --gateway 10.0.0.254",
        "security-group create web",
        "security-group rule add web ingress tcp --port 80,443 --remote 10.0.0.0/8 --priority 5",
        "security-group rule add web ingress --remote web --action deny",
        "server create s1 --subnet S --group web --no-source-check",
        "server stop s1",
        "server start s1",
        "server update s1 --source-check on",
        "route-table create custom --vpc V",
        "route-table associate custom S",
        "route add custom 192.168.0.0/24 ecs s1",
        "route delete custom 192.168.0.0/24",
        "route-table disassociate custom S",
    ] {
        bench.run(arguments).exits(0);
    }
    for (show, field, value) in [
        ("vpc show V", "cidr", "10.0.0.0/16"),
        ("subnet show S", "gateway_ip", "10.0.0.254"),
        ("server show s1", "status", "ACTIVE"),
        ("security-group show web", "name", "web"),
        ("route-table show custom", "name", "custom"),
        ("route-table show rtb-V", "name", "rtb-V"),
    ] {
        assert_eq!(bench.run(&format!("{show} -o json")).exits(0).json()[field], value, "{show}");
        assert!(bench.run(show).exits(0).out.contains(value), "{show}");
    }
    for list in ["vpc", "subnet", "server", "route-table", "route", "security-group", "peering", "account"] {
        let table = bench.run(&format!("{list} list")).exits(0).out;
        let json = bench.run(&format!("{list} list -o json")).exits(0).json();
        assert_eq!(table.lines().count(), json.as_array().unwrap().len() + 1, "{list}: {table}");
    }
    assert!(bench.run("security-group rule list web").exits(0).out.contains("group web"));
    for arguments in [
        "server delete s1",
        "security-group delete web",
        "route-table delete custom",
        "subnet delete S",
        "vpc delete V",
        "version",
        "completion bash",
        "config show -o yaml",
    ] {
        bench.run(arguments).exits(0);
    }
}

/// What a suite's author sees of `check`.
#[test]
fn a_check_reports_item_by_item() {
    let bench = Bench::start();
    let good = "expect:\n- {from: ECS-A01, to: RDS-B01, proto: tcp, port: 5432, reachable: true}\n";
    let file = bench.file("good.yaml", &format!("{NETWORK}{good}"));
    let report = bench.run(&format!("check {file} --datapath sim -o json")).exits(0).json();
    let item = &report[0];
    assert_eq!((&item["kind"], &item["from"], &item["port"]), (&"expect".into(), &"ECS-A01".into(), &5432.into()));
    assert_eq!((&item["pass"], &item["step"], &item["got"]["reachable"]), (&true.into(), &Value::Null, &true.into()));
    let file = bench.file("bad.yaml", &format!("{NETWORK}{}", good.replace("true", "false, reason: no_route")));
    let report = bench.run(&format!("check {file} --datapath sim")).exits(1);
    assert!(report.out.contains("1 of 1 differ") && report.out.contains("not passed: "), "{}", report.out);
    let file = bench.file("none.yaml", NETWORK);
    bench.run(&format!("check {file} --datapath sim")).exits(1);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let bench = Bench::start();
    let mut child =
        bench.command().args(["route", "list"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn a_file_may_come_from_the_standard_input() {
    let bench = Bench::start();
    let mut child =
        bench.command().args(["apply", "-f", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(NETWORK.as_bytes()).unwrap();
    assert!(child.wait_with_output().unwrap().status.success());
    assert_eq!(bench.run("status -o json").exits(0).json()["counts"]["servers"], 2);
}

#[test]
fn a_server_keeps_what_it_has_and_says_where_it_is() {
    let mut bench = Bench::start();
    bench.apply(NETWORK).exits(0);
    let listen = bench.endpoint().replace("http://", "");
    let mut second = bench.command();
    second.args(["serve", "--datapath", "sim", "--listen", &listen, "--data"]).arg(bench.home().join("second"));
    let taken = ran(&mut second).exits(5);
    let who =
        format!("cannot listen on {listen}: a Causeway server with data in {}", bench.home().join("data").display());
    assert!(taken.err.contains(&who), "{}", taken.err);
    let locked = bench.run("serve --datapath sim --listen 127.0.0.1:0").exits(5);
    assert!(locked.err.contains("one server at a time"), "{}", locked.err);

    assert_eq!(bench.terminate(), 0);
    assert!(server::Marker::all(&bench.home().join("run")).is_empty(), "a clean exit removes the mark");
    let away = bench.run("status").exits(3);
    assert!(away.err.contains("start the server with `causeway serve`"), "{}", away.err);

    bench.child = Bench::serve(bench.home(), "sim");
    bench.run("trace ECS-A01 RDS-B01").exits(0);
    // Found by its mark alone, without the folder being named.
    let endpoint = bench.endpoint();
    let by_mark = ran(bench.command().env_remove("CAUSEWAY_DATA").args(["--endpoint", &endpoint, "status"])).exits(0);
    assert!(by_mark.out.contains(&endpoint), "{}", by_mark.out);
}

#[test]
fn exec_runs_inside_the_servers_namespace_and_leftovers_are_taken_away() {
    if let Err(missing) = agent::kernel_supported() {
        eprintln!("SKIPPED exec: the kernel data plane cannot run here: {missing}");
        return;
    }
    let mut bench = Bench::start_with("kernel");
    bench.apply(NETWORK).exits(0);
    let measured = bench.run("reach --measure").exits(0);
    assert!(measured.out.contains("ECS-A01 (VPC-A)  ·        ✓ ✓"), "{}", measured.out);

    let script = "echo $CAUSEWAY_SERVER; ls /sys/class/net | tr '\\n' ' '; ping -c 1 -W 2 172.17.0.21 >/dev/null; exit $(($? + 7))";
    let inside = bench.run_all(&["exec", "ECS-A01", "--", "sh", "-c", script]).exits(7);
    assert_eq!((inside.out.as_str(), inside.err.as_str()), ("ECS-A01\neth0 lo ", ""));
    bench.run("exec ECS-A01 -- no-such-command").exits(4);
    bench.run("exec ECS-A9 -- true").exits(4);

    let running = bench.run("down --leftovers").exits(5);
    assert!(running.err.contains("still runs"), "{}", running.err);
    let namespace = bench.run("server show ECS-A01 -o json").exits(0).json()["namespace"].as_str().unwrap().to_owned();
    assert_eq!(bench.terminate(), 0);
    let namespace = Path::new("/run/netns").join(namespace);
    assert!(namespace.exists(), "packets keep flowing");
    bench.run("down --leftovers").exits(0);
    assert!(!namespace.exists());
}
