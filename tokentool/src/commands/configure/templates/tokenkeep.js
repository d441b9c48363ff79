// pkcs11js, graphene-pk11: const { library, label } = require("./tokenkeep.js")
module.exports = {
    library: "@module@",
    name: "Tokenkeep",
    label: "@token@",
};
