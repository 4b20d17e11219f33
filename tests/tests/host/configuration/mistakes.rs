//! Every mistake has a message of one line: the place, what is wrong, and what to do.

use std::{fmt::Write as _, path::Path};

use filter_user::config::contents::Config;

/// Mistakes. The other lines of each file are correct.
const MISTAKES: &[&str] = &[
    // Not TOML.
    "interfaces = [\"eth0\"",
    "interfaces = eth0",
    "interfaces = [\"eth0\"]\npolicy = \"observe",
    "interfaces = [\"eth0\"]\npolicy = \"observe\"\npolicy = \"enforce\"",
    "interfaces = [\"eth0\"]\n[trust]\n[deny]\n[trust]",
    "just words",
    "interfaces = [\"eth0\"]\n\u{1b}[2J = 1",
    "interfaces = [\"eth0\"]\npolicy = \"observe\"\rdrop = \"new\"",
    "interfaces = [\"eth0\"]\n# a comment\r[trust]",
    // Unknown keys.
    "interfaces = [\"eth0\"]\npolcy = \"observe\"",
    "interfaces = [\"eth0\"]\nsomething = 1",
    "interfaces = [\"eth0\"]\n[trust]\nprefix = []",
    "interfaces = [\"eth0\"]\n[deny]\nproviders = [\"qrator\"]",
    "interfaces = [\"eth0\"]\n[source.a]\nhtps = \"https://a.example/\"",
    "interfaces = [\"eth0\"]\n[source.a]\nfile = \"a\"\njson = [{ pointer = \"/a\", menber = \"b\" }]",
    "interfaces = [\"eth0\"]\n[metrics]\naddress = \"127.0.0.1:9436\"",
    "interfaces = [\"eth0\"]\nstate-dir = \"/var/lib/synwall\"",
    "interfaces = [\"eth0\"]\n\"a\\nb\\u001b`\" = 1",
    "interfaces = [\"eth0\"]\n[sources.a]\nfile = \"a\"",
    "interfaces = [\"eth0\"]\n[trusts]\nprefixes = []",
    "interfaces = [\"eth0\"]\nsources.a.file = \"a\"",
    "interfaces = [\"eth0\"]\n[source.a]\nfile = \"a\"\n[source.b.json]",
    "[trust]\nprefixes = [\"10.0.0.0/8\"]\ninterfaces = [\"eth0\"]",
    "interfaces = [\"eth0\"]\n[trust]\npolicy = \"observe\"",
    "interfaces = [\"eth0\"]\n[source.a]\nfile = \"a\"\n\ntcp = \"80\"",
    "interfaces = [\"eth0\"]\n[metrics]\nlisten = \"127.0.0.1:1\"\ntrust = 1",
    // Wrong types.
    "interfaces = \"eth0\"",
    "interfaces = [\"eth0\", 5]",
    "interfaces = [\"eth0\"]\ntcp = [80, 443]",
    "interfaces = [\"eth0\"]\ntcp = 443",
    "interfaces = [\"eth0\"]\ntrust = [\"10.0.0.0/8\"]",
    "interfaces = [\"eth0\"]\n[trust]\nprefixes = \"10.0.0.0/8\"",
    "interfaces = [\"eth0\"]\nsource = 1",
    "interfaces = [\"eth0\"]\n[source]\na = \"https://a.example/\"",
    "interfaces = [\"eth0\"]\n[source]\nhttps = \"https://a.example/\"",
    "interfaces = [\"eth0\"]\n[source]\ndns-txt = \"a.example\"",
    "interfaces = [\"eth0\"]\n[[source.json]]\npointer = \"\"",
    "interfaces = [\"eth0\"]\n[source.a]\nfile = \"a\"\ninterval = 60",
    "interfaces = [\"eth0\"]\n[source.a]\nfile = \"a\"\njson = { pointer = \"/a\" }",
    "interfaces = [\"eth0\"]\n[source.a]\nfile = \"a\"\njson = [{ pointer = \"/a\", member = \"b\", with = { c = 1 } }]",
    "interfaces = [\"eth0\"]\n[metrics]\nlisten = \"127.0.0.1:9436\"\nprefixes = -1",
    "interfaces = [\"eth0\"]\n[metrics]\nlisten = \"127.0.0.1:9436\"\nprefixes = 99999999999",
    "interfaces = [\"eth0\"]\n[metrics]\nlisten = \"127.0.0.1:9436\"\nprefixes = 1.5",
    // Interfaces.
    "",
    "interfaces = []",
    "interfaces = [\"eth0\", \"eth0\"]",
    "interfaces = [\"\"]",
    "interfaces = [\"eth/0\"]",
    "interfaces = [\"eth0 \"]",
    "interfaces = [\"an-interface-with-a-long-name\"]",
    "interfaces = [\"eth[0\"]",
    "interfaces = [\"eth0\",\n  \"eth***\"]",
    "interfaces = [\"**x\"]",
    "interfaces = [\"eth0@if5\"]",
    "interfaces = [\"eth*@bond0\"]",
    // Words.
    "interfaces = [\"eth0\"]\npolicy = \"enforced\"",
    "interfaces = [\"eth0\"]\npolicy = \"\"",
    "interfaces = [\"eth0\"]\ndrop = \"everything\"",
    "interfaces = [\"eth0\"]\nxdp = \"driver\"",
    "interfaces = [\"eth0\"]\non-stop = \"stay\"",
    // Ports and lengths.
    "interfaces = [\"eth0\"]\ntcp = \"\"",
    "interfaces = [\"eth0\"]\ntcp = \"http\"",
    "interfaces = [\"eth0\"]\ntcp = \"none\"",
    "interfaces = [\"eth0\"]\ntcp = \"70000\"",
    "interfaces = [\"eth0\"]\nudp = \"90-80\"",
    "interfaces = [\"eth0\"]\ncount-sources-by = \"24\"",
    "interfaces = [\"eth0\"]\ncount-sources-by = \"4,48\"",
    // Prefixes.
    "interfaces = [\"eth0\"]\n[trust]\nprefixes = [\n  \"10.0.0.0/8\",\n  \"10.0.0.1/8 office\",\n]",
    "interfaces = [\"eth0\"]\n[trust]\nprefixes = [\"office.example\"]",
    "interfaces = [\"eth0\"]\n[trust]\nprefixes = [\"10.0.0.0/33\"]",
    "interfaces = [\"eth0\"]\n[trust]\nprefixes = [\"\"]",
    "interfaces = [\"eth0\"]\n[trust]\nprefixes = [\"# 10.0.0.0/8\"]",
    "interfaces = [\"eth0\"]\n[trust]\nprefixes = [\"10.0.0.0/8\\n11.0.0.0/8\"]",
    "interfaces = [\"eth0\"]\n[trust]\nprefixes = [\"10.0.0.0/24 10.0.1.0/24\"]",
    "interfaces = [\"eth0\"]\n[trust]\nprefixes = [\"10.0.0.0/8 a label that is much longer than it may be\"]",
    "interfaces = [\"eth0\"]\n[trust]\nprefixes = [\"10.0.0.0/8 a\\u202Eb\"]",
    "interfaces = [\"eth0\"]\n[trust]\nprefixes = [\"0.0.0.0/0\"]",
    "interfaces = [\"eth0\"]\n[deny]\nprefixes = [\"::/0\"]",
    "interfaces = [\"eth0\"]\n[trust]\nprefixes = [\"10.0.0.0/8 a\", \"10.0.0.0/8 b\"]",
    "interfaces = [\"eth0\"]\n[trust]\nprefixes = [\"10.0.0.0/8\"]\n[deny]\nprefixes = [\"10.0.0.0/8\"]",
    "interfaces = [\"eth0\"]\n[trust]\nprefixes = [\"::ffff:10.0.0.0/104\"]",
    // List files.
    "interfaces = [\"eth0\"]\n[trust]\nfiles = [\"\"]",
    "interfaces = [\"eth0\"]\n[trust]\nfiles = [\"a.txt\", \"./a.txt\"]",
    "interfaces = [\"eth0\"]\n[trust]\nfiles = [\"a.txt\"]\n[deny]\nfiles = [\"a.txt\"]",
    "interfaces = [\"eth0\"]\n[trust]\nfiles = [\"saved/trust.list\"]",
    // Providers.
    "interfaces = [\"eth0\"]\n[trust]\nproviders = [\"quator\"]",
    "interfaces = [\"eth0\"]\n[trust]\nproviders = [\"qrator\", \"qrator\"]",
    "interfaces = [\"eth0\"]\n[trust]\nproviders = [\"qrator\"]\n[source.other]\nprovider = \"qrator\"",
    "interfaces = [\"eth0\"]\n[trust]\nproviders = [\"qrator\"]\n[source.qrator]\nfile = \"qrator.txt\"",
    "interfaces = [\"eth0\"]\n[source.a]\nprovider = \"qrator\"\nhttps = \"https://mirror.example/\"",
    "interfaces = [\"eth0\"]\n[source.a]\nprovider = \"qrator\"\nfile = \"a\"",
    "interfaces = [\"eth0\"]\n[source.a]\nprovider = \"cloudflare\"\nhttps = \"https://user:secret@a.example/\"",
    "interfaces = [\"eth0\"]\n[source.a]\nprovider = \"qrator\"\nlist = \"deny\"",
    "interfaces = [\"eth0\"]\n[source.a]\nprovider = \"nobody\"",
    // Sources.
    "interfaces = [\"eth0\"]\n[source.Akamai]\nfile = \"a\"",
    "interfaces = [\"eth0\"]\n[source.\"\"]\nfile = \"a\"",
    "interfaces = [\"eth0\"]\n[source.\"../a\"]\nfile = \"a\"",
    "interfaces = [\"eth0\"]\n[source.a-name-of-more-than-thirty-one-bytes]\nfile = \"a\"",
    "interfaces = [\"eth0\"]\n[source.a]\ninterval = \"1h\"",
    "interfaces = [\"eth0\"]\n[source.a]\nfile = \"a\"\nhttps = \"https://a.example/\"",
    "interfaces = [\"eth0\"]\n[source.a]\nlist = \"trusted\"\nfile = \"a\"",
    "interfaces = [\"eth0\"]\n[source.a]\nhttps = \"http://a.example/\"",
    "interfaces = [\"eth0\"]\n[source.a]\nhttps = \"https://\"",
    "interfaces = [\"eth0\"]\n[source.a]\nhttps = \"https://user:secret@a.example/\"",
    "interfaces = [\"eth0\"]\n[source.a]\nhttps = \"https://a.example/a b\"",
    "interfaces = [\"eth0\"]\n[source.a]\nhttps = \"http://user:secret@a.example/list\"",
    "interfaces = [\"eth0\"]\n[source.a]\nhttps = \"https://us:er/se?cret@a.example/list\"",
    "interfaces = [\"eth0\"]\n[source.a]\nhttps = \"https://müller.example/\"",
    "interfaces = [\"eth0\"]\n[source.a]\nhttps = \"https://a.example/list?key=a secret\"",
    "interfaces = [\"eth0\"]\n[source.a]\nhttps = \"https://a.example/<b>\"",
    "interfaces = [\"eth0\"]\n[source.a]\nhttps = \"https://*/\"",
    "interfaces = [\"eth0\"]\n[source.a]\nhttps = \"https://.../\"",
    "interfaces = [\"eth0\"]\n[source.a]\nhttps = \"https://a.example:\"",
    "interfaces = [\"eth0\"]\n[source.a]\nhttps = \"https://a.example:0/\"",
    "interfaces = [\"eth0\"]\n[source.a]\nhttps = \"https://127.0.0.1:99999/\"",
    "interfaces = [\"eth0\"]\n[source.a]\nhttps = \"https://[::1]:x/\"",
    "interfaces = [\"eth0\"]\n[source.a]\nhttps = \"https://2001:db8::1/\"",
    "interfaces = [\"eth0\"]\n[source.a]\ndns-txt = \"not a name\"",
    "interfaces = [\"eth0\"]\n[source.a]\ndns-txt = \"a..example\"",
    "interfaces = [\"eth0\"]\n[source.a]\ndns-txt = \"a.example\"\nserver = \"127.0.0.1\"",
    "interfaces = [\"eth0\"]\n[source.a]\ndns-txt = \"a.example\"\nserver = \"127.0.0.1:0\"",
    "interfaces = [\"eth0\"]\n[source.a]\ndns-txt = \"a.example\"\njson = [{ pointer = \"\" }]",
    "interfaces = [\"eth0\"]\n[source.a]\nexec = []",
    "interfaces = [\"eth0\"]\n[source.a]\nexec = [\"networks\"]",
    "interfaces = [\"eth0\"]\n[source.a]\nexec = [\"/bin/networks\", \"a\\u0000b\"]",
    "interfaces = [\"eth0\"]\n[source.a]\nfile = \"a\"\npost = \"a=b\"",
    "interfaces = [\"eth0\"]\n[source.a]\nfile = \"a\"\nca-file = \"b\"",
    "interfaces = [\"eth0\"]\n[source.a]\nexec = [\"/bin/a\"]\nserver = \"127.0.0.1:53\"",
    "interfaces = [\"eth0\"]\n[source.a]\nfile = \"a\"\njson = []",
    "interfaces = [\"eth0\"]\n[source.a]\nfile = \"a\"\njson = [{ member = \"b\" }]",
    "interfaces = [\"eth0\"]\n[source.a]\nfile = \"a\"\njson = [{ pointer = \"a\" }]",
    "interfaces = [\"eth0\"]\n[source.a]\nfile = \"a\"\njson = [{ pointer = \"/a~2\" }]",
    "interfaces = [\"eth0\"]\n[source.a]\nfile = \"a\"\njson = [{ pointer = \"/a\", with = { b = \"c\" } }]",
    // Times.
    "interfaces = [\"eth0\"]\n[source.a]\nfile = \"a\"\ninterval = \"often\"",
    "interfaces = [\"eth0\"]\n[source.a]\nfile = \"a\"\ninterval = \"0s\"",
    "interfaces = [\"eth0\"]\n[source.a]\nfile = \"a\"\ntimeout = \"60\"",
    "interfaces = [\"eth0\"]\n[source.a]\nfile = \"a\"\ngrace = \"2years\"",
    "interfaces = [\"eth0\"]\n[source.a]\nfile = \"a\"\ngrace = \"366d\"",
    "interfaces = [\"eth0\"]\n[source.a]\nfile = \"a\"\ninterval = \"5M\"",
    "interfaces = [\"eth0\"]\n[source.a]\nfile = \"a\"\njitter = \"1 month\"",
    "interfaces = [\"eth0\"]\n[source.a]\nfile = \"a\"\ninterval = \"5 minuts\"",
    "interfaces = [\"eth0\"]\n[source.a]\nfile = \"a\"\ninterval = \"1us\"",
    "interfaces = [\"eth0\"]\n[source.a]\nexec = [\"/bin/a\"]\ninterval = \"999ms\"",
    "interfaces = [\"eth0\"]\n[source.a]\nprovider = \"cloudflare\"\ninterval = \"0.5s\"",
    "interfaces = [\"eth0\"]\n[source.a]\nfile = \"a\"\ntimeout = \"99ms\"",
    "interfaces = [\"eth0\"]\n[source.a]\nfile = \"a\"\njitter = \"-1s\"",
    // Metrics.
    "interfaces = [\"eth0\"]\n[metrics]",
    "interfaces = [\"eth0\"]\n[metrics]\nlisten = \"9436\"",
    "interfaces = [\"eth0\"]\n[metrics]\nlisten = \"0.0.0.0:9436\"",
    "interfaces = [\"eth0\"]\n[metrics]\nlisten = \"[2001:db8::1]:9436\"",
    "interfaces = [\"eth0\"]\n[metrics]\nlisten = \"127.0.0.1:0\"",
];

#[test]
fn each_has_its_message() {
    let mut told = String::new();
    for text in MISTAKES {
        let mistakes = Config::from_toml(text, Path::new("/etc/synwall.toml"));
        let mistakes = mistakes.expect_err(&format!("a mistake is not seen:\n{text}"));
        assert_eq!(
            mistakes.len(),
            1,
            "one mistake, several messages: {mistakes:?}\n{text}"
        );
        let first = Config::parse(text, Path::new("/etc/synwall.toml")).unwrap_err();
        assert_eq!(first.to_string(), mistakes[0].to_string());
        let text = text.replace('\r', "␍");
        writeln!(told, "{text}\n=> {}\n", mistakes[0]).unwrap();
    }
    insta::assert_snapshot!(told);
}

#[test]
fn several_are_told_in_the_order_in_which_they_stand() {
    let text = "interfaces = []\npolicy = \"a\"\n[trust]\nprefixes = [\"x\", \"10.0.0.0/8\"]\nfiles = [\"\"]\n\
        [deny]\nprefixes = [\"10.0.0.0/8\"]\n[source.a]\nfile = \"a\"\nhttps = \"b\"\n[metrics]\n";
    let mistakes = Config::from_toml(text, Path::new("/etc/synwall.toml")).unwrap_err();
    let lines: Vec<usize> = mistakes.iter().map(|mistake| mistake.line).collect();
    assert_eq!(lines, [1, 2, 4, 5, 7, 10, 11], "{mistakes:#?}");
}
