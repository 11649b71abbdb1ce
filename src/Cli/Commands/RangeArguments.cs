using System.CommandLine;
using Conclave.Client;

namespace Conclave.Cli.Commands;

/// <summary>Which keys a command means: <c>key [range_end] [--prefix | --from-key]</c>, as in etcdctl.</summary>
internal sealed class RangeArguments
{
    private readonly Argument<string> _key = new("key") { Description = "The key, or the first of a range.", Arity = ArgumentArity.ZeroOrOne };
    private readonly Argument<string?> _end = new("range_end") { Description = "First key after the range.", Arity = ArgumentArity.ZeroOrOne };
    private readonly Option<bool> _prefix = new("--prefix") { Description = "All keys that start with the key; with \"\" all keys." };
    private readonly Option<bool> _fromKey = new("--from-key") { Description = "The key and all keys after it, by byte order." };

    public RangeArguments(Command command)
    {
        command.Add(_key);
        command.Add(_end);
        command.Add(_prefix);
        command.Add(_fromKey);
        command.Validators.Add(result =>
        {
            bool prefix = result.GetValue(_prefix), fromKey = result.GetValue(_fromKey), hasEnd = result.GetResult(_end) is { Tokens.Count: > 0 };
            bool hasKey = result.GetResult(_key) is { Tokens.Count: > 0 };
            if (!hasKey && !prefix && !fromKey) result.AddError("Name a key, or use --prefix for all keys.");
            if (prefix && fromKey) result.AddError("--prefix and --from-key exclude each other.");
            if (hasEnd && (prefix || fromKey)) result.AddError("A range_end cannot be combined with --prefix or --from-key.");
            if (hasKey && !prefix && !fromKey && result.GetValue(_key) is "") result.AddError("The key is empty; use --prefix \"\" for all keys.");
        });
    }

    public KeyRange Of(ParseResult parsed)
    {
        string key = parsed.GetValue(_key) ?? "";
        if (parsed.GetValue(_prefix)) return KeyRange.Prefix(key);
        if (parsed.GetValue(_fromKey)) return KeyRange.From(key);
        return parsed.GetValue(_end) is { } end ? KeyRange.Between(key, end) : KeyRange.Single(key);
    }
}
