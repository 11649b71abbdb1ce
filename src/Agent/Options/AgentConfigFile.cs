using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Conclave.Layers;
using Conclave.Layers.Oslo;
using Conclave.Layers.Rendering;

namespace Conclave.Agent;

/// <summary>Reads the agent's configuration file: the INI dialect of oslo.config, sections [agent], [file NAME] and [group NAME].</summary>
/// <remarks>Everything that is wrong is reported at once, each with its line. An option that is not known is an error: a misspelt guard would be none.</remarks>
public sealed class AgentConfigFile
{
    public const string DefaultPath = "/etc/conclave/agent.conf";

    private static readonly Dictionary<string, RenderFormat> Formats = new(StringComparer.Ordinal)
    {
        ["oslo-ini"] = RenderFormat.OsloIni,
        ["ini"] = RenderFormat.Ini,
        ["json"] = RenderFormat.Json,
        ["yaml"] = RenderFormat.Yaml,
        ["toml"] = RenderFormat.Toml,
        ["env-systemd"] = RenderFormat.EnvironmentFile,
        ["env-shell"] = RenderFormat.Shell,
        ["properties"] = RenderFormat.Properties,
        ["raw"] = RenderFormat.Raw,
    };

    private readonly List<string> _problems = [];
    private readonly Func<string, string> _readTemplate;
    private readonly List<(FileOptions File, string? Group)> _files = [];
    private readonly List<GroupOptions> _groups = [];
    private readonly ImmutableSortedDictionary<string, string>.Builder _facts = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
    private AgentOptions _agent = new();
    private readonly StringBuilder _all = new();
    private DriftMode _drift;
    private double _shrinkMax = 0.2;

    private AgentConfigFile(Func<string, string> readTemplate) => _readTemplate = readTemplate;

    /// <param name="text">The file.</param>
    /// <param name="readTemplate">Gives the text of a template's file; an exception of it is a problem of that file.</param>
    /// <param name="problems">What is wrong, one a line; empty when the options can be used.</param>
    public static AgentOptions Parse(string text, Func<string, string> readTemplate, out ImmutableArray<string> problems)
    {
        var file = new AgentConfigFile(readTemplate);
        AgentOptions options = file.Read(text);
        problems = [.. file._problems];
        return options;
    }

    private AgentOptions Read(string text)
    {
        _all.Append(text);
        if (!OsloText.TryParse(text, out ImmutableArray<OsloAssignment> assignments, out string problem))
        {
            _problems.Add(problem);
            return _agent;
        }

        var sections = new Dictionary<string, List<OsloAssignment>>(StringComparer.Ordinal);
        foreach (OsloAssignment assignment in assignments)
        {
            string section = string.Join(' ', assignment.Section.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
            if (!sections.TryGetValue(section, out List<OsloAssignment>? list)) sections[section] = list = [];
            list.Add(assignment);
        }

        // [agent] first: what it says of drift and shrinking holds for files that do not say.
        foreach ((string section, List<OsloAssignment> list) in sections.OrderBy(s => s.Key == "agent" ? 0 : 1))
        {
            string[] words = section.Split(' ', 2);
            if (section == "agent") ReadAgent(list);
            else if (words is ["file", { Length: > 0 } file]) ReadFile(file, list);
            else if (words is ["group", { Length: > 0 } group]) ReadGroup(group, list);
            else _problems.Add($"line {list[0].Line}: [{section}] is no section of this file; there are [agent], [file NAME] and [group NAME].");
        }

        return Complete();
    }

    private AgentOptions Complete()
    {
        if (_agent.Endpoints.IsEmpty) _problems.Add("[agent] endpoints: name the members, such as https://ctl1:2379,https://ctl2:2379.");
        if (_agent.Node.Length == 0) _problems.Add("[agent] node: name the node that this is.");
        if ((_agent.TlsCertificate is null) != (_agent.TlsKey is null)) _problems.Add("[agent] tls_cert and tls_key belong together; give both.");
        if (_files.Count == 0) _problems.Add("There is no [file NAME] section, so there is nothing to do.");
        foreach (IGrouping<string, (FileOptions File, string? Group)> same in _files.GroupBy(f => f.File.Path).Where(g => g.Count() > 1))
            _problems.Add($"[file {string.Join("] and [file ", same.Select(f => f.File.Name))}] have the same path {same.Key}; one file can have one owner.");
        if (_agent.MetricsFile is { } metrics && _files.Find(f => f.File.Path == metrics || f.File.Path == metrics + ".new").File is { } taken)
            _problems.Add($"[agent] metrics_file: {metrics} and {metrics}.new are written by the agent itself, and [file {taken.Name}] has that path; one file can have one owner.");
        var files = ImmutableArray.CreateBuilder<FileOptions>();
        foreach ((FileOptions file, string? group) in _files)
        {
            if (group is not null && _groups.All(g => g.Name != group)) _problems.Add($"[file {file.Name}] group: there is no [group {group}].");
            string name = group ?? "file " + file.Name;
            if (group is null) _groups.Add(new GroupOptions { Name = name });
            files.Add(file with { Group = name });
        }

        foreach (GroupOptions unused in _groups.Where(g => files.All(f => f.Group != g.Name))) _problems.Add($"[group {unused.Name}] is the group of no file. Remove it, or name it in a file's group.");
        string fingerprint = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(_all.ToString())).AsSpan(0, 8));
        return _agent with { Fingerprint = fingerprint, Facts = _facts.ToImmutable(), Files = files.ToImmutable(), Groups = [.. _groups] };
    }

    private void ReadAgent(List<OsloAssignment> list)
    {
        var section = new Section("agent", list, _problems);
        foreach (OsloAssignment fact in list.Where(a => a.Option.StartsWith("fact.", StringComparison.Ordinal)))
            _facts[fact.Option["fact.".Length..]] = ValueJson.TryParse(fact.Value, out Value? value, out _) ? value.ToString() : Value.Of(fact.Value).ToString();
        _drift = section.Choice("drift", _drift, DriftOf, "report, repair or off");
        _shrinkMax = section.Part("max_shrink", _shrinkMax);
        string? facts = section.Text("facts");
        if (facts is not (null or "auto" or "configured" or "off")) section.Problem("facts", $"\"{facts}\" is none of auto, configured, off");
        _agent = new AgentOptions
        {
            Endpoints = [.. (section.Text("endpoints") ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)],
            Node = section.Text("node") ?? "",
            Space = section.Text("space") ?? "",
            TlsAuthorities = section.Text("tls_ca"),
            TlsCertificate = section.Text("tls_cert"),
            TlsKey = section.Text("tls_key"),
            SkipTlsVerification = section.Choice("insecure_skip_tls_verify", false, Boolean),
            User = section.Text("user"),
            PasswordFile = section.Text("password_file"),
            StateDirectory = section.Path("state_dir") ?? new AgentOptions().StateDirectory,
            MetricsFile = section.Path("metrics_file"),
            OfflineStart = section.Choice("offline_start", true, t => t switch { "last_good" => true, "wait" => false, _ => null }, "last_good or wait"),
            DriftInterval = section.Duration("drift_interval", new AgentOptions().DriftInterval, TimeSpan.FromSeconds(1)),
            Heartbeat = section.Duration("heartbeat", new AgentOptions().Heartbeat, TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(30)),   // whoever says nothing for 60 s is silent
            Retry = section.Duration("retry", new AgentOptions().Retry, TimeSpan.FromMilliseconds(10)),
            ReportFacts = facts != "off",
            FindFacts = facts is null or "auto",
            FactsInterval = section.Duration("facts_interval", new AgentOptions().FactsInterval, TimeSpan.FromMilliseconds(100)),
            FactsCommand = section.Command("facts_command"),
        };
        section.End("fact.NAME");
    }

    private void ReadFile(string name, List<OsloAssignment> list)
    {
        var section = new Section("file " + name, list, _problems);
        string format = section.Text("format") ?? "oslo-ini";
        string? templatePath = section.Path("template");
        if (!Formats.TryGetValue(format, out RenderFormat known) && format != "template")
            section.Problem("format", $"\"{format}\" is no format; there are {string.Join(", ", Formats.Keys)} and template");
        if ((format == "template") != (templatePath is not null)) section.Problem("template", "format = template and template = PATH belong together");
        string[] owner = (section.Text("owner") ?? "").Split(':', 2);
        var file = new FileOptions
        {
            Name = name,
            Document = section.Needed("doc"),
            Path = section.Path("path") ?? section.Missing("path"),
            Format = known,
            Template = templatePath is null ? null : Template(section, templatePath),
            Escape = section.Choice("escape", TemplateEscape.None, t => t switch { "none" => TemplateEscape.None, "shell" => TemplateEscape.Shell, "json" => TemplateEscape.Json, "xml" => TemplateEscape.Xml, _ => null }, "none, shell, json or xml"),
            User = owner[0].Length > 0 ? owner[0] : null,
            UserGroup = owner.Length > 1 && owner[1].Length > 0 ? owner[1] : null,
            Mode = section.Choice("mode", (UnixFileMode)0b110_100_000, t => OptionTexts.TryMode(t, out UnixFileMode mode) ? mode : null, "octal, such as 0640"),
            Check = section.Command("check"),
            CheckTimeout = section.Duration("check_timeout", TimeSpan.FromSeconds(30), TimeSpan.FromMilliseconds(10)),
            ShrinkMax = section.Part("max_shrink", _shrinkMax),
            Drift = section.Choice("drift", _drift, DriftOf, "report, repair or off"),
            Group = "",
        };
        if (!file.Check.IsEmpty && !file.Check.Any(w => w.Contains("{new}", StringComparison.Ordinal))) section.Problem("check", "the command does not look at {new}, the new file");
        _files.Add((file, section.Text("group")));
        section.End();
    }

    private TextTemplate? Template(Section section, string path)
    {
        try
        {
            string text = _readTemplate(path);
            _all.Append('\0').Append(text);
            if (TextTemplate.TryParse(text, out TextTemplate? template, out string problem)) return template;
            section.Problem("template", $"{path}, {problem}");
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            section.Problem("template", unreadable.Message);
        }

        return null;
    }

    private void ReadGroup(string name, List<OsloAssignment> list)
    {
        var section = new Section("group " + name, list, _problems);
        if (name.StartsWith("file ", StringComparison.Ordinal) || name.Contains('/')) section.Problem("", "a group's name has no slash and does not begin with \"file \"");
        (TimeSpan settleMin, TimeSpan settleMax) = section.Range("settle", TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(10));
        _groups.Add(new GroupOptions
        {
            Name = name,
            Live = section.Action("live"),
            Restart = section.Action("restart"),
            RestartSlots = section.Slots("restart_slots"),
            SettleMin = settleMin,
            SettleMax = settleMax,
            Splay = section.Duration("splay", TimeSpan.Zero, TimeSpan.Zero),
            Timeout = section.Duration("timeout", TimeSpan.FromSeconds(90), TimeSpan.FromMilliseconds(10)),
            Verify = section.Verify("verify"),
            RestoreOnFailure = section.Choice("on_fail", true, t => t switch { "restore" => true, "keep" => false, _ => null }, "restore or keep"),
        });
        section.End();
    }

    private static DriftMode? DriftOf(string text) => text switch { "report" => DriftMode.Report, "repair" => DriftMode.Repair, "off" => DriftMode.Off, _ => null };

    private static bool? Boolean(string text) => text switch { "true" or "1" or "yes" or "on" => true, "false" or "0" or "no" or "off" => false, _ => null };

    /// <summary>One section: each option is taken once, and what is left over is not known.</summary>
    private sealed class Section(string name, List<OsloAssignment> list, List<string> problems)
    {
        private readonly HashSet<string> _known = new(StringComparer.Ordinal);

        public string? Text(string option)
        {
            _known.Add(option);
            OsloAssignment[] found = [.. list.Where(a => a.Option == option)];
            if (found.Length > 1) problems.Add($"line {found[1].Line}: [{name}] {option} is there twice.");
            return found.Length > 0 && found[^1].Value.Length > 0 ? found[^1].Value : null;
        }

        public void Problem(string option, string what)
        {
            int line = list.Find(a => a.Option == option)?.Line ?? list[0].Line;
            problems.Add($"line {line}: [{name}] {option}{(option.Length > 0 ? ": " : "")}{what}.");
        }

        public string Needed(string option) => Text(option) ?? Missing(option);

        public string Missing(string option)
        {
            if (list.All(a => a.Option != option)) Problem("", $"{option} is missing");
            return "";
        }

        public string? Path(string option)
        {
            if (Text(option) is not { } path) return null;
            if (!System.IO.Path.IsPathRooted(path) || path.EndsWith('/')) Problem(option, $"\"{path}\" is not the absolute path of a file or directory");
            return path;
        }

        public T Choice<T>(string option, T unsaid, Func<string, T?> read, string allowed = "true or false") where T : struct
        {
            if (Text(option) is not { } text) return unsaid;
            if (read(text) is { } value) return value;
            Problem(option, $"\"{text}\" is not {allowed}");
            return unsaid;
        }

        public double Part(string option, double unsaid) => Choice(option, unsaid, t => OptionTexts.TryPart(t, out double part) ? part : null, "a part, such as 20%");

        public TimeSpan Duration(string option, TimeSpan unsaid, TimeSpan least, TimeSpan? most = null) =>
            Choice(option, unsaid, t => OptionTexts.TryDuration(t, out TimeSpan time) && time >= least && !(time > most) ? time : null,
                most is null ? "a time, such as 500ms, 2s, 5m or 1h, of at most 7 days" : $"a time, such as 500ms or 2s, of at most {most.Value.TotalSeconds} s");

        /// <summary>MIN..MAX; one time is both.</summary>
        public (TimeSpan Min, TimeSpan Max) Range(string option, TimeSpan min, TimeSpan max)
        {
            if (Text(option) is not { } text) return (min, max);
            string[] ends = text.Split("..");
            if (ends.Length <= 2 && OptionTexts.TryDuration(ends[0].Trim(), out TimeSpan from) && OptionTexts.TryDuration(ends[^1].Trim(), out TimeSpan to) && from <= to) return (from, to);
            Problem(option, $"\"{text}\" is not a range of times, such as 2s..30s");
            return (min, max);
        }

        public ImmutableArray<string> Command(string option)
        {
            if (Text(option) is not { } text) return [];
            if (OptionTexts.TryWords(text, out ImmutableArray<string> words) && words.Length > 0) return words;
            Problem(option, "a quote is not closed");
            return [];
        }

        /// <summary>signal HUP unit NAME; signal HUP pidfile PATH; a command.</summary>
        public ActionOptions? Action(string option)
        {
            ImmutableArray<string> words = Command(option);
            if (words.IsEmpty) return null;
            if (words[0] != "signal") return new ActionOptions { Command = words };
            if (words.Length == 4 && OptionTexts.TrySignal(words[1], out int signal))
            {
                if (words[2] == "unit") return new ActionOptions { Command = ["systemctl", "kill", "--kill-who=main", $"--signal={signal.ToString(CultureInfo.InvariantCulture)}", words[3]] };
                if (words[2] == "pidfile") return new ActionOptions { Signal = signal, PidFile = words[3] };
            }

            Problem(option, "write signal HUP unit NAME, signal HUP pidfile PATH, or a command");
            return null;
        }

        /// <summary>NAME 3, or NAME 5%.</summary>
        public SlotsOptions? Slots(string option)
        {
            if (Text(option) is not { } text) return null;
            string[] words = text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            bool isPercent = words[^1].EndsWith('%');
            if (words.Length == 2 && int.TryParse(words[1].TrimEnd('%'), NumberStyles.None, CultureInfo.InvariantCulture, out int count) && count > 0 && count <= (isPercent ? 100 : 10_000)) return new SlotsOptions(words[0], count, isPercent);
            Problem(option, "write NAME and how many nodes may restart at a time: nova-compute 3, or nova-compute 5%");
            return null;
        }

        /// <summary>live SERVICE[/INSTANCE] [within 60s]; a command.</summary>
        public VerifyOptions? Verify(string option)
        {
            ImmutableArray<string> words = Command(option);
            if (words.IsEmpty) return null;
            if (words[0] != "live") return new VerifyOptions { Command = words };
            TimeSpan within = TimeSpan.FromSeconds(60);
            if (words.Length == 2 || (words.Length == 4 && words[2] == "within" && OptionTexts.TryDuration(words[3], out within)))
            {
                string[] parts = words[1].Split('/', 2);
                return new VerifyOptions { Service = parts[0], Instance = parts.Length > 1 ? parts[1] : "", Within = within };
            }

            Problem(option, "write live SERVICE within 60s, or a command");
            return null;
        }

        public void End(params string[] patterns)
        {
            foreach (OsloAssignment assignment in list.Where(a => !_known.Contains(a.Option) && !(patterns.Length > 0 && a.Option.StartsWith("fact.", StringComparison.Ordinal) && a.Option.Length > "fact.".Length)))
            {
                string hint = OptionTexts.Nearest(assignment.Option, _known) is { } nearest ? $"Did you mean {nearest}?" : $"There are {string.Join(", ", [.. _known.Order(StringComparer.Ordinal), .. patterns])}.";
                problems.Add($"line {assignment.Line}: [{name}] {assignment.Option} is no option. {hint}");
            }
        }
    }
}
