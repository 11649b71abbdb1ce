using Conclave.Client;

namespace Conclave.Extensions.Hosting.Leading;

/// <summary>The leadership under which a scope was made.</summary>
internal sealed class CurrentLeadership
{
    public ILeadership? Value { get; set; }
}
