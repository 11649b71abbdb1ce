using System.Globalization;
using System.Text.Json.Nodes;

namespace Conclave.FleetDemo;

/// <summary>What the demo's fleet is made of: hosts in two regions, and a document as an operator would write it.</summary>
internal static class DemoFiles
{
    public const string Document = "nova", HostKey = "DEFAULT/rabbit_host", PortKey = "DEFAULT/rabbit_port", DriverKey = "DEFAULT/compute_driver";

    /// <summary>A value that any schema takes and with which the demo's service does not come up.</summary>
    public const string BadDriver = "driver.that.does.not.load";

    public static string[] Regions { get; } = ["eu", "us"];

    public static string NameOf(int host) => $"c{host + 1:d3}";

    public static string RegionOf(int host) => Regions[host % Regions.Length];

    /// <summary>A directory for <c>conclave apply</c>.</summary>
    public static void Write(string directory, int hosts)
    {
        var nodes = new JsonObject();
        for (int i = 0; i < hosts; i++) nodes[NameOf(i)] = new JsonArray($"region={RegionOf(i)}", "role=compute");
        Save("conclave", new JsonObject { ["dimensions"] = new JsonArray("region", "role", "host"), ["node_dimension"] = "host", ["weights"] = new JsonObject(), ["nodes"] = nodes });
        Save(Document, new JsonObject
        {
            ["schemas"] = new JsonObject { [PortKey] = new JsonObject { ["type"] = "integer", ["format"] = "port" } },
            ["entries"] = new JsonObject
            {
                ["*"] = new JsonObject
                {
                    [PortKey] = Set(5672),
                    [DriverKey] = Set("libvirt.LibvirtDriver"),
                    ["DEFAULT/transport_url"] = Set("rabbit://nova@%{key:DEFAULT/rabbit_host}:%{key:DEFAULT/rabbit_port}/"),
                    ["DEFAULT/host"] = Set("%{dim:host}"),
                },
                ["region=eu"] = new JsonObject { [HostKey] = Set("mq.eu.example") },
                ["region=us"] = new JsonObject { [HostKey] = Set("mq.us.example") },
            },
        });

        void Save(string name, JsonObject content) => File.WriteAllText(Path.Combine(Directory.CreateDirectory(directory).FullName, name + ".json"), content.ToJsonString());
        static JsonObject Set(JsonNode value) => new() { ["set"] = value };
    }

    public static string Text(double number) => number.ToString("0.0", CultureInfo.InvariantCulture);
}
