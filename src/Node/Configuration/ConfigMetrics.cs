using System.Globalization;
using System.Text;
using Conclave.Layers.Serving;

namespace Conclave.Node.Configuration;

/// <summary>The configuration's part of /metrics, as this member has it. There are at most <see cref="ConfigEngine.SpacesMax"/> spaces, so there are few lines.</summary>
internal static class ConfigMetrics
{
    public static void Write(StringBuilder text, ConfigEngine engine)
    {
        Write(text, "conclave_config_streams", "gauge", engine.Wakes.StreamCount);
        Write(text, "conclave_config_stream_wakes_total", "counter", engine.Wakes.WokenCount);
        Write(text, "conclave_config_damaged_spaces", "gauge", engine.DamagedCount);
        SpaceSnapshot[] spaces = [.. engine.Spaces.Select(s => s.Current).Where(s => s.Release > 0).OrderBy(s => s.Space, StringComparer.Ordinal)];
        PerSpace("conclave_config_release", s => s.Release);
        PerSpace("conclave_config_nodes", s => s.State.Nodes.Count);
        PerSpace("conclave_config_entries", s => s.State.EntryCount);
        PerSpace("conclave_config_rollouts_active", s => s.Rollouts.Length);
        PerSpace("conclave_config_secrets", s => s.Secrets.All.Count);

        void PerSpace(string name, Func<SpaceSnapshot, long> value)
        {
            text.Append(CultureInfo.InvariantCulture, $"# TYPE {name} gauge\n");
            foreach (SpaceSnapshot space in spaces) text.Append(CultureInfo.InvariantCulture, $"{name}{{space=\"{space.Space}\"}} {value(space)}\n");
        }
    }

    private static void Write(StringBuilder text, string name, string type, long value) => text.Append(CultureInfo.InvariantCulture, $"# TYPE {name} {type}\n{name} {value}\n");
}
