// pkcs11js, graphene-pk11: const { library, label } = require("./tokenkeep.js")
process.env.TOKENKEEP_DIR ??= "@elsewhere@";
module.exports = {
    library: "@module@",
    name: "Tokenkeep",
    label: "@token@",
};
