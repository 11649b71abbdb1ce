using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Conclave.Extensions.Hosting.Options;

/// <summary>Options of this name are to be kept.</summary>
internal sealed record KeptName<TOptions>(string Name);

/// <summary>The last options of each name that were valid.</summary>
internal sealed class LastValid<TOptions>(IEnumerable<KeptName<TOptions>> names) where TOptions : class
{
    private readonly HashSet<string> _names = [.. names.Select(n => n.Name)];
    private readonly ConcurrentDictionary<string, TOptions> _last = new(StringComparer.Ordinal);

    public void Remember(string name, TOptions options)
    {
        if (_names.Contains(name)) _last[name] = options;
    }

    public TOptions? Find(string name) => _last.GetValueOrDefault(name);
}

/// <summary>Makes options; where that fails, gives the last that were valid.</summary>
internal sealed class LastValidFactory<TOptions>(OptionsFactory<TOptions> inner, LastValid<TOptions> last, ILogger logger) : IOptionsFactory<TOptions> where TOptions : class
{
    public TOptions Create(string name)
    {
        try
        {
            TOptions options = inner.Create(name);
            last.Remember(name, options);
            return options;
        }
        catch (Exception invalid) when (last.Find(name) is not null)
        {
            Telemetry.InvalidReloads.Add(1, new KeyValuePair<string, object?>("conclave.options", typeof(TOptions).Name));
            logger.KeptLastValid(name.Length == 0 ? typeof(TOptions).Name : $"{typeof(TOptions).Name} \"{name}\"", invalid.Message);
            return last.Find(name)!;   // once there it stays
        }
    }
}
