namespace Conclave.Extensions.Configuration;

/// <summary>A program cannot start, because it got no configuration.</summary>
public sealed class ConclaveConfigurationException(string message, Exception? cause = null) : Exception(message, cause);
