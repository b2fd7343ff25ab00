use mls_rs::{
    CipherSuite, CipherSuiteProvider, Client, CryptoProvider, ExtensionList, Group, MlsMessage, MlsRules,
    WireFormat,
    client_builder::{BaseConfig, WithCryptoProvider, WithIdentityProvider, WithMlsRules},
    error::IntoAnyError,
    group::{CommitEffect, GroupContext, ReceivedMessage, Roster},
    identity::{
        SigningIdentity,
        basic::{BasicCredential, BasicIdentityProvider},
    },
    mls_rules::{CommitDirection, CommitOptions, CommitSource, EncryptionOptions, ProposalBundle},
    psk::{ExternalPskId, PreSharedKey},
};
use mls_rs_crypto_rustcrypto::RustCryptoProvider;

use crate::{EpochKeys, Error, Invite, safety::safety_code};

const SUITE: CipherSuite = CipherSuite::CURVE25519_AES128;

type Config = WithMlsRules<
    Rules,
    WithIdentityProvider<BasicIdentityProvider, WithCryptoProvider<RustCryptoProvider, BaseConfig>>,
>;

/// One participant's state of the group.
pub struct Member {
    invite: Invite,
    client: Client<Config>,
    group: Option<Group<Config>>,
}

/// A change of the group that waits until the server has ordered it.
pub struct Commit {
    /// The epoch that it ends.
    pub epoch: u64,
    /// For the members.
    pub commit: Vec<u8>,
    /// For those who are added, if any.
    pub welcome: Option<Vec<u8>>,
}

/// What a message did.
#[derive(Debug, PartialEq, Eq)]
pub enum Received {
    /// A new epoch has begun.
    Epoch,
    /// This participant was removed; the group is over for it.
    Removed,
    /// A member says something to the group.
    Message {
        /// The member.
        peer: String,
        /// What it says.
        content: Vec<u8>,
    },
}

impl Member {
    /// A participant that is in no group yet. `peer` is its name, unique in the room.
    pub fn new(invite: Invite, peer: &str) -> Result<Self, Error> {
        let crypto = RustCryptoProvider::default();
        let suite = crypto.cipher_suite_provider(SUITE).ok_or(Error::NotA("cipher suite of this build"))?;
        let (secret, public) = suite
            .signature_key_generate()
            .map_err(|error| mls_rs::error::MlsError::CryptoProviderError(error.into_any_error()))?;
        let credential = BasicCredential::new(peer.as_bytes().to_vec()).into_credential();
        let client = Client::builder()
            .crypto_provider(crypto)
            .identity_provider(BasicIdentityProvider)
            .mls_rules(Rules { psk: ExternalPskId::new(invite.psk_id()) })
            .psk(ExternalPskId::new(invite.psk_id()), PreSharedKey::new(invite.psk()))
            .signing_identity(SigningIdentity::new(credential, public), secret, SUITE)
            .build();
        Ok(Self { invite, client, group: None })
    }

    /// Begins a group with this participant alone.
    pub fn create(&mut self) -> Result<(), Error> {
        self.group = Some(self.client.create_group(ExtensionList::new(), ExtensionList::new(), None)?);
        Ok(())
    }

    /// What to send to the members to be added by one of them.
    pub fn join_request(&self) -> Result<Vec<u8>, Error> {
        let key_package =
            self.client.generate_key_package_message(ExtensionList::new(), ExtensionList::new(), None)?;
        Ok(self.invite.seal(&key_package.to_bytes()?))
    }

    /// Says who asks to join, if it knows the link.
    pub fn check_request(&self, request: &[u8]) -> Result<String, Error> {
        let message = MlsMessage::from_bytes(self.invite.open(request)?)?;
        let key_package = message.into_key_package().ok_or(Error::NotA("key package"))?;
        name(key_package.signing_identity())
    }

    /// Joins by the message of the member who added this participant.
    pub fn join(&mut self, welcome: &[u8]) -> Result<(), Error> {
        let (group, _) = self.client.join_group(None, &MlsMessage::from_bytes(welcome)?, None)?;
        self.group = Some(group);
        Ok(())
    }

    /// Proposes to add and to remove, to be followed by [`Member::accepted`] or [`Member::discard`].
    pub fn commit(&mut self, requests: &[Vec<u8>], removed: &[String]) -> Result<Commit, Error> {
        let packages: Vec<MlsMessage> = requests
            .iter()
            .map(|request| Ok(MlsMessage::from_bytes(self.invite.open(request)?)?))
            .collect::<Result<_, Error>>()?;
        let leaves: Vec<u32> = removed
            .iter()
            .map(|peer| self.leaf(peer).ok_or_else(|| Error::Unknown(peer.clone())))
            .collect::<Result<_, Error>>()?;
        let psk = ExternalPskId::new(self.invite.psk_id());
        let group = self.group.as_mut().ok_or(Error::NotAMember)?;
        group.clear_pending_commit();
        let mut builder = group.commit_builder().add_external_psk(psk)?;
        for package in packages {
            builder = builder.add_member(package)?;
        }
        for leaf in leaves {
            builder = builder.remove_member(leaf)?;
        }
        let output = builder.build()?;
        Ok(Commit {
            epoch: group.current_epoch(),
            commit: output.commit_message.to_bytes()?,
            welcome: output.welcome_messages.first().map(|message| message.to_bytes()).transpose()?,
        })
    }

    /// The server put this participant's own commit first: takes it.
    pub fn accepted(&mut self) -> Result<(), Error> {
        self.group.as_mut().ok_or(Error::NotAMember)?.apply_pending_commit()?;
        Ok(())
    }

    /// Forgets a commit that came too late.
    pub fn discard(&mut self) {
        if let Some(group) = &mut self.group {
            group.clear_pending_commit();
        }
    }

    /// Takes a message of another member.
    pub fn receive(&mut self, message: &[u8]) -> Result<Received, Error> {
        let group = self.group.as_mut().ok_or(Error::NotAMember)?;
        let message = MlsMessage::from_bytes(message)?;
        // Members encrypt all that they send. What is not encrypted may come from anybody.
        if message.wire_format() != WireFormat::PrivateMessage {
            return Err(Error::NotA("member's message"));
        }
        match group.process_incoming_message(message)? {
            ReceivedMessage::Commit(description) => match description.effect {
                CommitEffect::Removed { .. } => {
                    self.group = None;
                    Ok(Received::Removed)
                }
                _ => Ok(Received::Epoch),
            },
            ReceivedMessage::ApplicationMessage(message) => {
                let sender =
                    group.member_at_index(message.sender_index).ok_or(Error::NotA("member's message"))?;
                Ok(Received::Message {
                    peer: name(&sender.signing_identity)?,
                    content: message.data().to_vec(),
                })
            }
            _ => Err(Error::NotA("commit or message")),
        }
    }

    /// Encrypts a message for all members of this epoch.
    pub fn message(&mut self, content: &[u8]) -> Result<Vec<u8>, Error> {
        let group = self.group.as_mut().ok_or(Error::NotAMember)?;
        Ok(group.encrypt_application_message(content, Vec::new())?.to_bytes()?)
    }

    /// The group's id and epoch; none before it is joined.
    pub fn position(&self) -> Option<(&[u8], u64)> {
        self.group.as_ref().map(|group| (group.group_id(), group.current_epoch()))
    }

    /// What the frames of this epoch are encrypted with, and who may send them.
    pub fn epoch_keys(&self) -> Result<EpochKeys, Error> {
        let group = self.group.as_ref().ok_or(Error::NotAMember)?;
        let base_key = group.export_secret(EpochKeys::LABEL, b"", EpochKeys::LENGTH)?;
        let mut members = Vec::new();
        for member in group.roster().members_iter() {
            members.push((member.index, name(&member.signing_identity)?));
        }
        Ok(EpochKeys::new(group.current_epoch(), group.current_member_index(), base_key.as_bytes(), members))
    }

    /// Pictures to compare aloud: the same for all members, different for everybody else.
    pub fn safety_code(&self) -> Result<String, Error> {
        let group = self.group.as_ref().ok_or(Error::NotAMember)?;
        Ok(safety_code(group.epoch_authenticator()?.as_bytes()))
    }

    fn leaf(&self, peer: &str) -> Option<u32> {
        let roster = self.group.as_ref()?.roster();
        roster
            .members_iter()
            .find(|member| name(&member.signing_identity).is_ok_and(|name| name == peer))
            .map(|member| member.index)
    }
}

fn name(identity: &SigningIdentity) -> Result<String, Error> {
    let credential = identity.credential.as_basic().ok_or(Error::NotA("basic credential"))?;
    String::from_utf8(credential.identifier.clone()).map_err(|_| Error::NotA("name"))
}

/// MLS' rules, and one more: every commit mixes the link's secret in.
#[derive(Clone)]
struct Rules {
    psk: ExternalPskId,
}

#[derive(Debug, thiserror::Error)]
#[error("a commit without the secret of the link")]
struct WithoutLink;

impl IntoAnyError for WithoutLink {
    fn into_dyn_error(self) -> Result<Box<dyn std::error::Error + Send + Sync>, Self> {
        Ok(self.into())
    }
}

impl MlsRules for Rules {
    type Error = WithoutLink;

    fn filter_proposals(
        &self,
        _direction: CommitDirection,
        _source: CommitSource,
        _roster: &Roster<'_>,
        _context: &GroupContext,
        proposals: ProposalBundle,
    ) -> Result<ProposalBundle, WithoutLink> {
        let has =
            proposals.psk_proposals().iter().any(|info| info.proposal.external_psk_id() == Some(&self.psk));
        if has { Ok(proposals) } else { Err(WithoutLink) }
    }

    fn commit_options(
        &self,
        _roster: &Roster<'_>,
        _context: &GroupContext,
        _proposals: &ProposalBundle,
    ) -> Result<CommitOptions, WithoutLink> {
        Ok(CommitOptions::new().with_path_required(true))
    }

    fn encryption_options(
        &self,
        _roster: &Roster<'_>,
        _context: &GroupContext,
    ) -> Result<EncryptionOptions, WithoutLink> {
        Ok(EncryptionOptions::new(true, Default::default()))
    }
}
