# Installs mcpd for the user who runs it: finds out which build this machine needs, downloads it,
# compares its SHA-256 with the one below, and runs its own `mcpd install`, which does the rest.
#
#   irm https://github.com/mcpd-dev/mcpd/releases/latest/download/install.ps1 | iex
#   & ([scriptblock]::Create((irm .../install.ps1))) -NoService
#
# In the source tree this is a template: build/install-script.ts fills in version and hashes.
# Written for Windows PowerShell 5.1 and later; ASCII only, since 5.1 guesses the encoding of files.
#
# Only functions until the last block, and PowerShell runs nothing that it cannot read to the end:
# a script cut off on the way does nothing.

param(
  # Another release (MCPD_VERSION).
  [string] $Version = $env:MCPD_VERSION,
  # Where the programs go (MCPD_INSTALL_DIR).
  [string] $Prefix = $env:MCPD_INSTALL_DIR,
  # Put mcpd on the user's PATH.
  [switch] $ModifyPath,
  # Leave PATH alone: the default (MCPD_NO_MODIFY_PATH=1).
  [switch] $NoModifyPath,
  # Do not register or start the service.
  [switch] $NoService,
  # Download, verify, show what would be done, do nothing.
  [switch] $DryRun,
  # Run 'mcpd uninstall' of the installed copy.
  [switch] $Uninstall,
  # Ask nothing.
  [switch] $Yes,
  [switch] $Help
)

function Get-McpdRelease {
  @{
    Version = '@VERSION@'
    Releases = 'https://github.com/mcpd-dev/mcpd/releases'
    Sha256 = @{
      'windows-x64' = '@SHA256_windows-x64@'
      'windows-arm64' = '@SHA256_windows-arm64@'
    }
  }
}

function Show-McpdHelp([hashtable] $Release) {
  Write-Output @"
Installs mcpd $($Release.Version) for the current user. Nothing needs an administrator.

  -Version VERSION  another release (MCPD_VERSION)
  -Prefix DIR       where the programs go (MCPD_INSTALL_DIR)
  -ModifyPath       put mcpd on your PATH
  -NoModifyPath     leave PATH alone: the default (MCPD_NO_MODIFY_PATH=1)
  -NoService        do not register or start the service
  -DryRun           download, verify, show what would be done, do nothing
  -Uninstall        run 'mcpd uninstall' of the installed copy
  -Yes              ask nothing

MCPD_DOWNLOAD_URL names a mirror of $($Release.Releases).
MCPD_ALLOW_ROOT=1 permits running as an administrator.
"@
}

# What failed: the state, then what to do about it.
function Stop-Mcpd([string] $What, [string] $Hint) {
  throw "mcpd: $What`n      $Hint"
}

function Assert-McpdCaller {
  if ([Environment]::OSVersion.Platform -ne 'Win32NT') {
    Stop-Mcpd 'cannot install mcpd: this script is for Windows' 'Use install.sh.'
  }
  $identity = [Security.Principal.WindowsIdentity]::GetCurrent()
  $principal = New-Object Security.Principal.WindowsPrincipal($identity)
  $administrator = [Security.Principal.WindowsBuiltInRole]::Administrator
  if ($principal.IsInRole($administrator) -and $env:MCPD_ALLOW_ROOT -ne '1') {
    $why = 'it runs other programs with your rights'
    Stop-Mcpd "cannot install mcpd as an administrator: $why" `
      'Use a PowerShell that is not elevated. To do it all the same, set MCPD_ALLOW_ROOT to 1.'
  }
}

function Assert-McpdRequest([hashtable] $Release, [string] $Wanted, [string] $Base) {
  if ($Release.Version.StartsWith('@')) {
    Stop-Mcpd 'cannot install mcpd with the script of the source tree: it knows no version' `
      "Use that of a release: irm $($Release.Releases)/latest/download/install.ps1 | iex"
  }
  if ($Wanted -notmatch '^[0-9][0-9A-Za-z.+-]*$') {
    Stop-Mcpd "'$Wanted' is no version" 'Name one as in -Version 1.2.3.'
  }
  if ($Base -notmatch '^https?://') {
    Stop-Mcpd "MCPD_DOWNLOAD_URL is '$Base': it has to begin with https:// or http://" 'Mend it.'
  }
}

# Where `mcpd install` puts its programs when it is not told: src/platform has the same.
function Get-McpdRoot([string] $Prefix) {
  if ($Prefix) { return $Prefix }
  $local = $env:LOCALAPPDATA
  if (-not $local) { $local = Join-Path (Join-Path $env:USERPROFILE 'AppData') 'Local' }
  Join-Path (Join-Path $local 'Programs') 'mcpd'
}

# The registry tells the machine's processor also to a PowerShell that is emulated on it.
function Get-McpdTarget {
  $key = 'HKLM:\SYSTEM\CurrentControlSet\Control\Session Manager\Environment'
  $processor = (Get-ItemProperty -Path $key).PROCESSOR_ARCHITECTURE
  switch ($processor) {
    'AMD64' { return 'windows-x64' }
    'ARM64' { return 'windows-arm64' }
  }
  Stop-Mcpd "cannot install mcpd: there is no build for Windows on $processor" `
    'See the releases for those there are.'
}

function Get-McpdFile([string] $Url, [string] $Path) {
  try {
    Invoke-WebRequest -Uri $Url -OutFile $Path -UseBasicParsing
  } catch {
    Stop-Mcpd "cannot download ${Url}: $($_.Exception.Message)" `
      'Check that this machine is online, and that there is such a release.'
  }
}

# Runs a program on the user's own terminal: its output must not be caught on the way, so the exit
# code goes into $Result.
function Invoke-McpdProgram([string] $Program, [string[]] $Words, [hashtable] $Result) {
  $PSNativeCommandUseErrorActionPreference = $false
  & $Program @Words
  $Result.Code = $LASTEXITCODE
}

# The script of another release knows the hashes of that release.
function Invoke-McpdOtherVersion(
  [string] $Wanted, [string] $Base, [string] $Work, [hashtable] $Options, [hashtable] $Result
) {
  $url = "$Base/download/v$Wanted/install.ps1"
  $path = Join-Path $Work 'install.ps1'
  Write-Host "Getting the install script of mcpd $Wanted"
  Get-McpdFile $url $path
  $text = [IO.File]::ReadAllText($path)
  if (-not $text.Contains("Version = '$Wanted'")) {
    Stop-Mcpd "cannot install mcpd ${Wanted}: $url is not its script" `
      'Look at what the server answers there.'
  }
  & ([scriptblock]::Create($text)) @Options
  $Result.Code = $LASTEXITCODE
}

function Test-McpdInstalled([string] $Root, [string] $Version) {
  $program = Join-Path (Join-Path $Root 'bin') 'mcpd.exe'
  $file = Join-Path $Root 'VERSION'
  if (-not (Test-Path -LiteralPath $program)) { return $false }
  if (-not (Test-Path -LiteralPath $file)) { return $false }
  if ([IO.File]::ReadAllText($file).Trim() -ne $Version) { return $false }
  try { $said = & $program --version } catch { return $false }
  "$said".Contains($Version)
}

# Not Get-FileHash: a Windows PowerShell that was started by a later one may not find it.
function Get-McpdHash([string] $Path) {
  $stream = [IO.File]::OpenRead($Path)
  try {
    $hash = [Security.Cryptography.SHA256]::Create().ComputeHash($stream)
  } finally {
    $stream.Dispose()
  }
  [BitConverter]::ToString($hash).Replace('-', '').ToLowerInvariant()
}

function Get-McpdProgram([hashtable] $Release, [string] $Base, [string] $Work) {
  $target = Get-McpdTarget
  $name = "mcpd-$target.tar.gz"
  $expected = $Release.Sha256[$target]
  if ($expected -notmatch '^[0-9a-f]{64}$') {
    Stop-Mcpd "cannot verify ${name}: this script has no hash of it" 'Use another release.'
  }
  $archive = Join-Path $Work $name
  Write-Host "Downloading mcpd $($Release.Version) for $target"
  Get-McpdFile "$Base/download/v$($Release.Version)/$name" $archive
  $found = Get-McpdHash $archive
  if ($found -ne $expected) {
    Stop-Mcpd "cannot install mcpd: $name has the SHA-256 $found, and it should have $expected" `
      "Run this again. If it stays so, do not trust $Base."
  }
  # Windows' own tar: one of another maker on PATH may take C: for the name of a host.
  $tar = Join-Path (Join-Path $env:SystemRoot 'System32') 'tar.exe'
  if (-not (Test-Path -LiteralPath $tar)) {
    Stop-Mcpd "cannot unpack ${name}: $tar is missing" 'mcpd needs Windows 10 1809 or later.'
  }
  & $tar -xzf $archive -C $Work mcpd.exe | Out-Null
  if ($LASTEXITCODE -ne 0) {
    Stop-Mcpd "cannot unpack ${name}: tar ended with exit code $LASTEXITCODE" 'Run this again.'
  }
  $program = Join-Path $Work 'mcpd.exe'
  try { $said = & $program --version } catch { $said = $_.Exception.Message }
  if (-not "$said".Contains($Release.Version)) {
    Stop-Mcpd "cannot run mcpd on this machine: $said" 'Look whether a virus scanner holds it back.'
  }
  $program
}

function Invoke-McpdUninstall([string] $Root, [hashtable] $Options, [hashtable] $Result) {
  $program = Join-Path (Join-Path $Root 'bin') 'mcpd.exe'
  if (-not (Test-Path -LiteralPath $program)) {
    Stop-Mcpd "cannot uninstall mcpd: there is none in $Root" 'Name the place with -Prefix.'
  }
  $words = @('uninstall')
  if ($Options.Prefix) { $words += @('--prefix', $Options.Prefix) }
  if ($Options.DryRun) { $words += '--dry-run' }
  if ($Options.Yes -or $env:CI) { $words += '--yes' }
  Invoke-McpdProgram $program $words $Result
}

function Invoke-McpdInstall(
  [string] $Program, [string] $Root, [hashtable] $Options, [hashtable] $Result
) {
  $words = @('install')
  if ($Options.Prefix) { $words += @('--prefix', $Options.Prefix) }
  if ($Options.NoService) { $words += '--no-service' }
  $keepPath = $Options.NoModifyPath -or ($env:MCPD_NO_MODIFY_PATH -in @('1', 'true', 'yes'))
  if ($Options.ModifyPath -and -not $keepPath) { $words += '--modify-path' }
  if ($Options.DryRun) { $words += '--dry-run' }
  Invoke-McpdProgram $Program $words $Result
  if ($Result.Code -ne 0) { return }
  if ($Options.DryRun) {
    Write-Host 'Nothing was changed.'
  } else {
    Write-Host "To undo all of it: & `"$Root\bin\mcpd.exe`" uninstall"
  }
}

# Puts mcpd's exit code into $Result; throws what went wrong before mcpd itself ran.
function Invoke-McpdSetup([hashtable] $Options, [hashtable] $Result) {
  $release = Get-McpdRelease
  Assert-McpdCaller
  $root = Get-McpdRoot $Options.Prefix
  if ($Options.Uninstall) {
    Invoke-McpdUninstall $root $Options $Result
    return
  }
  $wanted = $release.Version
  if ($Options.Version) { $wanted = $Options.Version -replace '^v', '' }
  $base = $release.Releases
  if ($env:MCPD_DOWNLOAD_URL) { $base = $env:MCPD_DOWNLOAD_URL.TrimEnd('/') }
  Assert-McpdRequest $release $wanted $base
  # Windows PowerShell may begin with older ones, and its progress bar slows a download tenfold.
  $protocols = [Net.ServicePointManager]::SecurityProtocol
  [Net.ServicePointManager]::SecurityProtocol = $protocols -bor [Net.SecurityProtocolType]::Tls12
  $ProgressPreference = 'SilentlyContinue'
  $work = Join-Path ([IO.Path]::GetTempPath()) ('mcpd-install-' + [Guid]::NewGuid().ToString('N'))
  New-Item -ItemType Directory -Path $work | Out-Null
  try {
    if ($wanted -ne $release.Version) {
      Invoke-McpdOtherVersion $wanted $base $work $Options $Result
    } elseif (Test-McpdInstalled $root $wanted) {
      Write-Host "mcpd $wanted is already installed in ${root}: nothing to do."
      Write-Host "To repair it, or to install it otherwise: & `"$root\bin\mcpd.exe`" install"
    } else {
      $program = Get-McpdProgram $release $base $work
      Invoke-McpdInstall $program $root $Options $Result
    }
  } finally {
    Remove-Item -LiteralPath $work -Recurse -Force -ErrorAction SilentlyContinue
  }
}

& {
  Set-StrictMode -Version 2
  $ErrorActionPreference = 'Stop'
  if ($Help) {
    Show-McpdHelp (Get-McpdRelease)
    return
  }
  if ($ExecutionContext.SessionState.LanguageMode -ne 'FullLanguage') {
    Stop-Mcpd 'cannot install mcpd: a policy has locked this PowerShell' `
      'Unpack the archive of a release for Windows and run its mcpd.exe install.'
  }
  $result = @{ Code = 0 }
  Invoke-McpdSetup -Result $result -Options @{
    Version = $Version
    Prefix = $Prefix
    ModifyPath = [bool] $ModifyPath
    NoModifyPath = [bool] $NoModifyPath
    NoService = [bool] $NoService
    DryRun = [bool] $DryRun
    Uninstall = [bool] $Uninstall
    Yes = [bool] $Yes
  }
  $global:LASTEXITCODE = $result.Code
  if ($result.Code -eq 0) { return }
  # A file ends with the code; `iex` runs in the user's own shell, which must not be closed.
  if ($PSCommandPath) { exit $result.Code }
  throw "mcpd: the install ended with exit code $($result.Code), as shown above"
}
